// A proxy before an object store that is full or not, in a thread of its own: it answers what is to be stored as stores do
// that count, and hands everything else on as it is.
import { once } from "node:events";
import { createServer, request } from "node:http";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

/** How full buckets answer: Ceph, MinIO's quota and its full disks, Garage. */
const ANSWERS = [
  [403, "QuotaExceeded", "The bucket is full."],
  [400, "XMinioAdminBucketQuotaExceeded", "Bucket quota exceeded"],
  [507, "XMinioStorageFull", "Storage backend has reached its minimum free drive threshold."],
  [403, "AccessDenied", "Forbidden: Bucket size quota is reached, maximum total size of objects for this bucket is 1024"],
];
const FULL = 0, REFUSED = 1;

/** One before this store; its `url`, and ways to fill it, to empty it and to count what was refused. */
export async function bucketBefore(store) {
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(new URL(import.meta.url), { workerData: { store, shared } });
  const [port] = await once(worker, "message");
  return {
    url: `http://127.0.0.1:${port}`,
    set full(full) { Atomics.store(shared, FULL, full ? 1 : 0); },
    get refused() { return Atomics.load(shared, REFUSED); },
    kinds: ANSWERS.length,
    close: () => worker.terminate(),
  };
}

if (!isMainThread) {
  const { store, shared } = workerData;
  const { hostname, port } = new URL(store);
  const server = createServer((asked, answer) => {
    if (asked.method === "PUT" && Atomics.load(shared, FULL)) {
      const [status, code, message] = ANSWERS[Atomics.add(shared, REFUSED, 1) % ANSWERS.length];
      asked.resume().on("end", () => {
        answer.writeHead(status, { "content-type": "application/xml" });
        answer.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`);
      });
      return;
    }
    const on = request({ hostname, port, path: asked.url, method: asked.method, headers: asked.headers }, (from) => {
      answer.writeHead(from.statusCode, from.headers);
      from.pipe(answer);
    });
    on.on("error", () => answer.destroy());
    asked.pipe(on);
  });
  server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));
}

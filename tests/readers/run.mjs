#!/usr/bin/env node
// Shows the film to all readers and compares what they make of it with the table in expected.mjs.
//   run.mjs              two cells of each reader, chosen by SEED
//   run.mjs NAME...      all cells of the readers whose name begins so
// WHOLE=1 takes all cells.
import { random } from "../cluster/cluster.mjs";
import { differences, inWords } from "./check.mjs";
import { measure } from "./measure.mjs";
import { CODECS, Origin } from "./origin.mjs";
import { openReaders } from "./readers.mjs";
import { SoundServer } from "./sound-server.mjs";

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
/** Cells of each reader, where not all are taken. */
const SAMPLE = 2;
/** How often a reader is shown the film before its cell counts as not as expected. Programs read the same bytes the same
 *  way each time; what is watched while it plays can miss its flashes on a busy machine. */
const TRIES = 3;
/** Lanes that run beside each other. */
const LANES_AT_ONCE = Number(process.env.FILES_AT_ONCE ?? 3);

const names = process.argv.slice(2);
const began = Date.now();
const sound = await SoundServer.start();
// Browsers take it from here.
process.env.PULSE_SERVER = sound.address;
let origin, opened;
let failed = 0;
try {
  origin = await Origin.open();
  console.log(`the film is there after ${seconds()} s`);
  opened = openReaders(origin);
  const cells = chosen(opened.readers);
  const lanes = groups(cells);
  const waiting = [...lanes.values()].sort((a, b) => b.length - a.length);
  const worker = async () => {
    for (let lane = waiting.shift(); lane; lane = waiting.shift()) for (const cell of lane) await show(cell);
  };
  await Promise.all(Array.from({ length: LANES_AT_ONCE }, worker));
  // Again, with nothing beside them, in a browser that has just been opened.
  for (const cell of cells) {
    while (cell.differences.length && isWatched(cell) && cell.tries < TRIES) {
      await opened.renew(cell.lane);
      await show(cell);
    }
  }
  print(cells);
} finally {
  await opened?.close();
  await origin?.close();
  await sound.stop();
}
process.exit(failed ? 1 : 0);

function seconds() {
  return ((Date.now() - began) / 1000).toFixed(0);
}

/** Cells by their lane. */
function groups(cells) {
  const lanes = new Map();
  for (const cell of cells) lanes.set(cell.lane, [...(lanes.get(cell.lane) ?? []), cell]);
  return lanes;
}

/** The cells to be measured: all, those of the named readers, or a sample that has every codec and both protocols. */
function chosen(readers) {
  const next = random(SEED);
  const codecs = Object.keys(CODECS);
  const isWhole = names.length || process.env.WHOLE;
  if (!isWhole) console.log(`SEED=${SEED}: ${SAMPLE} cells of each reader, of eight or four`);
  let turn = Math.floor(next() * codecs.length);
  return Object.entries(readers).filter(([reader]) => !names.length || names.some((name) => reader.startsWith(name))).flatMap(([reader, { lane, protocols, read }]) => {
    const all = protocols.flatMap((protocol) => codecs.map((codec) => ({ reader, lane, read, protocol, codec })));
    if (isWhole) return all;
    // Codecs go round from reader to reader, so that none is left out by chance.
    return Array.from({ length: SAMPLE }, () => {
      const codec = codecs[turn++ % codecs.length];
      const protocol = protocols[Math.floor(next() * protocols.length)];
      return all.find((cell) => cell.codec === codec && cell.protocol === protocol);
    });
  });
}

/** Whether the cell's reader plays in real time, and is watched while it does. */
function isWatched({ lane }) {
  return lane !== "programs";
}

/** Has a reader read, and notes in the cell what came of it. */
async function show(cell) {
  cell.tries = (cell.tries ?? 0) + 1;
  for (const line of cell.differences ?? []) console.log(`${cell.reader}, ${cell.protocol}, ${cell.codec} is shown the film again: ${line.split("\n")[0]}`);
  const start = Date.now();
  try {
    cell.measured = measure(await cell.read(origin.url(cell.codec, cell.protocol)));
    cell.differences = differences(cell, cell.measured);
  } catch (error) {
    cell.measured = { problem: error.message };
    cell.differences = [error.stack];
  }
  cell.seconds = (Date.now() - start) / 1000;
}

function print(cells) {
  console.log("reader                    protocol codec         picture sound  flash   after a seek (ms; flash: later than its beep)");
  for (const { reader, protocol, codec, measured, differences: wrong, seconds: took } of cells) {
    console.log(`${reader.padEnd(25)} ${protocol.padEnd(8)} ${codec.padEnd(13)} ${inWords(measured).padEnd(34)} ${took.toFixed(1)} s`);
    for (const line of wrong) console.log(`    NOT AS EXPECTED: ${line}`);
    failed += wrong.length ? 1 : 0;
  }
  console.log(`${cells.length} cells, ${failed} not as expected, after ${seconds()} s`);
}

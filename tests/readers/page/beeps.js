// Runs beside the sound: tells when beeps start, in seconds of the audio context.
const LOUD = 0.1;
const BEEP_PAUSE_SECONDS = 1;

registerProcessor("beeps", class extends AudioWorkletProcessor {
  last = -BEEP_PAUSE_SECONDS;

  process([[samples]]) {
    const index = samples?.findIndex((sample) => Math.abs(sample) >= LOUD) ?? -1;
    if (index < 0) return true;
    const at = currentTime + index / sampleRate;
    if (at - this.last > BEEP_PAUSE_SECONDS) this.port.postMessage(at);
    this.last = at;
    return true;
  }
});

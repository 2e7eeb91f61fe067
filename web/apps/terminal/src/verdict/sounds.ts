/** A yes goes up, a no is low and twice: told apart without looking. */

export type Sound = "yes" | "no" | "ask";

const NOTES: Record<Sound, { hz: number; atS: number; lengthS: number; wave: OscillatorType }[]> = {
  yes: [
    { hz: 880, atS: 0, lengthS: 0.08, wave: "sine" },
    { hz: 1320, atS: 0.09, lengthS: 0.12, wave: "sine" },
  ],
  no: [
    { hz: 196, atS: 0, lengthS: 0.2, wave: "square" },
    { hz: 165, atS: 0.26, lengthS: 0.32, wave: "square" },
  ],
  ask: [
    { hz: 587, atS: 0, lengthS: 0.1, wave: "triangle" },
    { hz: 587, atS: 0.16, lengthS: 0.1, wave: "triangle" },
  ],
};

let context: AudioContext | null = null;

/** Play a sound; a page that may not sound yet stays silent, the screen says it all the same. */
export function play(sound: Sound): void {
  try {
    context ??= new AudioContext();
    if (context.state === "suspended") void context.resume();
    for (const note of NOTES[sound]) {
      const start = context.currentTime + note.atS;
      const tone = context.createOscillator();
      const volume = context.createGain();
      tone.type = note.wave;
      tone.frequency.value = note.hz;
      volume.gain.setValueAtTime(0.25, start);
      volume.gain.exponentialRampToValueAtTime(0.001, start + note.lengthS);
      tone.connect(volume).connect(context.destination);
      tone.start(start);
      tone.stop(start + note.lengthS);
    }
  } catch {
    context = null; // no audio device here
  }
}

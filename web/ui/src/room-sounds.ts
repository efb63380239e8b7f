// The sounds that a message may be, made here of tones and noise: nothing is fetched. Silent until somebody touched the page, as browsers want it.

/** Of one person or of many: more are not heard at once. */
export const AT_ONCE_MAX = 4;
/** No sound is longer. */
export const SECONDS_MAX = 4;

interface Tone {
  at?: number;
  lasts: number;
  hz: number;
  /** Where it glides. */
  to?: number;
  shape?: OscillatorType;
  loud?: number;
  /** How long until it is loud: a hit where it is short. */
  rises?: number;
}

interface Noise {
  at?: number;
  lasts: number;
  hz: number;
  filter?: BiquadFilterType;
  narrow?: number;
  loud?: number;
  rises?: number;
}

/** Where sounds are put together: a clock and a way out. */
class Stage {
  private hiss: AudioBuffer | undefined;

  constructor(private readonly context: BaseAudioContext, private readonly out: AudioNode, private readonly start: number) {}

  tone({ at = 0, lasts, hz, to, shape = "sine", loud = 0.3, rises = 0.01 }: Tone): void {
    const from = this.start + at;
    const source = this.context.createOscillator();
    source.type = shape;
    source.frequency.setValueAtTime(hz, from);
    if (to) source.frequency.exponentialRampToValueAtTime(to, from + lasts);
    source.connect(this.fade(from, lasts, loud, rises));
    source.start(from);
    source.stop(from + lasts);
  }

  noise({ at = 0, lasts, hz, filter = "bandpass", narrow = 1, loud = 0.3, rises = 0.005 }: Noise): void {
    const from = this.start + at;
    const source = this.context.createBufferSource();
    source.buffer = this.hiss ??= hissOf(this.context);
    source.loop = true;
    const through = this.context.createBiquadFilter();
    through.type = filter;
    through.frequency.value = hz;
    through.Q.value = narrow;
    source.connect(through).connect(this.fade(from, lasts, loud, rises));
    source.start(from, (at * 0.37) % 1);
    source.stop(from + lasts);
  }

  private fade(from: number, lasts: number, loud: number, rises: number): GainNode {
    const gain = this.context.createGain();
    gain.gain.setValueAtTime(0.0001, from);
    gain.gain.exponentialRampToValueAtTime(loud, from + Math.min(rises, lasts / 2));
    gain.gain.exponentialRampToValueAtTime(0.0001, from + lasts);
    gain.connect(this.out);
    return gain;
  }
}

/** A second of noise, the same each time. */
function hissOf(context: BaseAudioContext): AudioBuffer {
  const buffer = context.createBuffer(1, context.sampleRate, context.sampleRate);
  const samples = buffer.getChannelData(0);
  let seed = 1;
  for (let index = 0; index < samples.length; index++) {
    seed = (seed * 48_271) % 2_147_483_647;
    samples[index] = (seed / 2_147_483_647) * 2 - 1;
  }
  return buffer;
}

const many = (count: number, each: (index: number) => void) => Array.from({ length: count }, (_, index) => each(index));

/** By the names that the server knows, too. */
const SOUNDS: Record<string, (stage: Stage) => void> = {
  applause: (stage) => many(70, (clap) => {
    const swell = Math.sin((Math.PI * clap) / 70);
    stage.noise({ at: clap * 0.03 + ((clap * 7) % 5) * 0.004, lasts: 0.09, hz: 1_100 + ((clap * 397) % 1_300), narrow: 1.4, loud: 0.08 + 0.3 * swell });
  }),
  bell: (stage) => [[1, 0.3], [2, 0.16], [2.76, 0.12], [5.4, 0.06]].forEach(([partial, loud]) => stage.tone({ lasts: 2.6 / partial! ** 0.5, hz: 660 * partial!, loud: loud! })),
  drum: (stage) => [0, 0.16, 0.32, 0.4, 0.48].forEach((at) => {
    stage.tone({ at, lasts: 0.3, hz: 170, to: 48, loud: 0.6 });
    stage.noise({ at, lasts: 0.06, hz: 900, loud: 0.25 });
  }),
  fanfare: (stage) => [[0, 392, 0.16], [0.18, 523, 0.16], [0.36, 659, 0.16], [0.54, 784, 0.3], [0.88, 659, 0.14], [1.04, 784, 0.8]].forEach(([at, hz, lasts]) => {
    stage.tone({ at: at!, lasts: lasts!, hz: hz!, shape: "sawtooth", loud: 0.13, rises: 0.03 });
    stage.tone({ at: at!, lasts: lasts!, hz: hz! * 1.004, shape: "sawtooth", loud: 0.13, rises: 0.03 });
  }),
  gong: (stage) => [[96, 0.35], [143, 0.22], [211, 0.16], [287, 0.1], [431, 0.06]].forEach(([hz, loud]) => stage.tone({ lasts: 3.8, hz: hz!, to: hz! * 0.985, loud: loud!, rises: 0.06 })),
  horn: (stage) => [220, 277, 330].forEach((hz) => stage.tone({ lasts: 1.1, hz: hz * 0.98, to: hz, shape: "sawtooth", loud: 0.12, rises: 0.05 })),
  knock: (stage) => [0, 0.22, 0.44].forEach((at) => {
    stage.tone({ at, lasts: 0.12, hz: 240, to: 110, loud: 0.5, rises: 0.002 });
    stage.noise({ at, lasts: 0.05, hz: 520, narrow: 2, loud: 0.5, rises: 0.002 });
  }),
  pop: (stage) => stage.tone({ lasts: 0.12, hz: 320, to: 1_500, loud: 0.45, rises: 0.02 }),
  rain: (stage) => {
    stage.noise({ lasts: 3, hz: 2_600, filter: "highpass", narrow: 0.3, loud: 0.09, rises: 0.9 });
    many(34, (drop) => stage.tone({ at: 0.2 + drop * 0.075, lasts: 0.05, hz: 900 + ((drop * 613) % 1_500), to: 700 + ((drop * 613) % 900), loud: 0.07 }));
  },
  tada: (stage) => [[0, 0.18, [392, 494, 587]], [0.2, 1.3, [523, 659, 784, 1_047]]].forEach(([at, lasts, chord]) => {
    for (const hz of chord as number[]) stage.tone({ at: at as number, lasts: lasts as number, hz, shape: "triangle", loud: 0.17 });
  }),
  train: (stage) => {
    [311, 370, 466].forEach((hz) => [0, 0.45].forEach((at, nth) => stage.tone({ at, lasts: nth ? 1 : 0.36, hz, shape: "square", loud: 0.05, rises: 0.08 })));
    many(8, (puff) => stage.noise({ at: 1.5 + puff * 0.2 * (1 - puff * 0.03), lasts: 0.15, hz: 700, narrow: 0.7, loud: 0.4 }));
  },
  whistle: (stage) => {
    stage.tone({ lasts: 0.5, hz: 900, to: 2_300, loud: 0.25, rises: 0.05 });
    stage.tone({ at: 0.55, lasts: 0.8, hz: 2_300, to: 800, loud: 0.25, rises: 0.05 });
  },
};

export const NAMES = Object.keys(SOUNDS).sort();

const CHIME = (stage: Stage) => [[0, 880], [0.12, 1_175]].forEach(([at, hz]) => stage.tone({ at: at!, lasts: 0.5, hz: hz!, loud: 0.16 }));

/** Puts a sound, or the chime, onto a context; where there is none of that name, nothing. */
export function render(context: BaseAudioContext, name: string | null): void {
  const score = name === null ? CHIME : Object.hasOwn(SOUNDS, name) ? SOUNDS[name] : undefined;
  const loudness = context.createGain();
  loudness.gain.value = 0.7;
  // So that many tones at once do not crackle.
  const limiter = context.createDynamicsCompressor();
  loudness.connect(limiter).connect(context.destination);
  score?.(new Stage(context, loudness, context.currentTime + 0.01));
}

export class Sounds {
  private context: AudioContext | undefined;
  private readonly ends: number[] = [];

  constructor() {
    const unlock = () => {
      for (const event of GESTURES) removeEventListener(event, unlock, true);
      this.context = new AudioContext();
    };
    for (const event of GESTURES) addEventListener(event, unlock, true);
  }

  /** Whether it is heard: not before the first gesture, nor beside too many others. */
  play(name: string | null): boolean {
    const { context } = this;
    if (!context) return false;
    const now = performance.now();
    while (this.ends.length > 0 && this.ends[0]! <= now) this.ends.shift();
    if (this.ends.length >= AT_ONCE_MAX) return false;
    this.ends.push(now + SECONDS_MAX * 1_000);
    // Browsers put it to rest while the page is away.
    void context.resume();
    render(context, name);
    return true;
  }
}

/** What browsers take for a gesture. */
const GESTURES = ["pointerup", "keydown"];

// What GET /api/watchfire/pipeline answers.

export interface Picture {
  at: number;
  /** Of all that are heard, by name. Rates are a second; latencies in seconds. */
  now: Record<string, number>;
  /** Sixty minutes each, the oldest first. */
  hour: Record<string, (number | null)[]>;
  processes: Process[];
}

export interface Process {
  id: string;
  host: string;
  version: string;
  services: string[];
  started: number;
  heard: number;
  is_silent: boolean;
  ahead_ms: number;
  now: Record<string, number>;
}

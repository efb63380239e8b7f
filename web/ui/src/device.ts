// What one chose on this device, kept in its browser. Where nothing can be kept, it is as at the beginning.

export interface Device {
  /** What people play is heard. */
  sounds: boolean;
  /** Heard when one is meant and looks elsewhere. */
  chime: boolean;
  /** Shown by the system when one is meant and looks elsewhere. */
  desktop: boolean;
  /** Single letters are commands in the inbox. */
  keys: boolean;
}

const KEY = "watchfire.device";
const AT_FIRST: Device = { sounds: true, chime: true, desktop: false, keys: true };

export function device(): Device {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Device>;
    return { ...AT_FIRST, ...kept };
  } catch {
    return { ...AT_FIRST };
  }
}

/** Whether it is kept. */
export function choose(choice: Partial<Device>): boolean {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...device(), ...choice }));
    return true;
  } catch {
    return false;
  }
}

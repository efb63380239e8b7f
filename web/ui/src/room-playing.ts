// Sounds in a room: those that come are heard once, unless they are muted here; those of before when somebody asks for it.
import { choose, device } from "./device";
import { say } from "./element";
import { Sounds } from "./room-sounds";

/** Of as many the ids are known, so that one's own is not heard twice. */
const KNOWN_MAX = 100;

export class RoomSounds {
  readonly heard = new Sounds();
  private readonly known: string[] = [];
  private isOn = device().sounds;

  constructor(private readonly button: HTMLButtonElement) {
    button.hidden = false;
    button.addEventListener("click", () => this.turn(!this.isOn));
    this.show();
  }

  /** A message that is a sound was sent or told just now. */
  came(id: string, name: string): void {
    if (this.known.includes(id)) return;
    this.known.push(id);
    if (this.known.length > KNOWN_MAX) this.known.shift();
    if (this.isOn) this.heard.play(name);
  }

  /** Asked for: heard though sounds are off. */
  again(name: string): void {
    this.heard.play(name);
  }

  private turn(isOn: boolean): void {
    this.isOn = isOn;
    choose({ sounds: isOn });
    this.show();
  }

  private show(): void {
    say(this.button, this.isOn ? "Sounds on" : "Sounds off");
  }
}

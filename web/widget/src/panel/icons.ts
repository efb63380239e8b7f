// The panel's few pictures, drawn in the colour of the text.
import { draw } from "../../../ui/src/element";

const PATHS = {
  person: "M10 10a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Zm-6 7c.5-3 2.8-4.5 6-4.5s5.5 1.5 6 4.5",
  popOut: "M11 4h5v5m0-5-6.5 6.5M8 5H5.5A1.5 1.5 0 0 0 4 6.5v8A1.5 1.5 0 0 0 5.5 16h8a1.5 1.5 0 0 0 1.5-1.5V12",
  down: "m5 8 5 5 5-5",
  send: "M10 16V4m0 0L5 9m5-5 5 5",
  screen: "M3 4h14v9.5H3ZM7 17h6m-3-3.5v3.5",
  file: "M5.5 3h6l3.5 3.5V17h-9.5ZM11 3v4h4",
} as const;

export function icon(name: keyof typeof PATHS): SVGElement {
  const picture = draw("svg", { viewBox: "0 0 20 20", "aria-hidden": "true", class: "icon" });
  picture.append(draw("path", { d: PATHS[name] }));
  return picture;
}

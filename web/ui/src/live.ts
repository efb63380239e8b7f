// Starts the live dashboard on a page that has one.
import { Board } from "./board";

const root = document.querySelector<HTMLElement>("[data-board]");
if (root) new Board(root).start();

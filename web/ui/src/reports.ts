// Starts the reports on a page that has them.
import { ReportsPage } from "./reports-page";

const root = document.querySelector<HTMLElement>("[data-reports]");
if (root) new ReportsPage(root).start();

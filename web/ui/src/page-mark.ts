// How many messages wait, in the page's title and icon: a dot where some do, their number where they are meant for oneself.

const ICON_MAX = 9;

export class PageMark {
  private title = document.title;
  private shown: [number, number] = [0, 0];
  private readonly icon = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  private readonly plain = this.icon?.href;

  /** The page is called something else. */
  name(title: string): void {
    this.title = title;
    this.show(...this.shown);
  }

  show(count: number, meant: number): void {
    this.shown = [count, meant];
    const title = count > 0 ? `(${count}) ${this.title}` : this.title;
    if (document.title !== title) document.title = title;
    if (!this.icon || !this.plain) return;
    const href = count > 0 || meant > 0 ? `data:image/svg+xml,${encodeURIComponent(iconOf(meant))}` : this.plain;
    if (this.icon.href !== href) this.icon.href = href;
  }
}

/** The flame of `favicon.svg`, with a mark. */
function iconOf(meant: number): string {
  const flame = '<path fill="#e8590c" d="M17.2 2.2c.9 4.2-1.2 6.6-3.5 9.2C11.2 14.2 8 16.9 8 21.3a8.4 8.4 0 0 0 16.8.3c0-3.9-2.1-6.3-3.3-8.3-.4 1.9-1.2 3-2.5 3.8.8-5.3.3-11.5-1.8-14.9Z"/>';
  const number = meant > ICON_MAX ? `${ICON_MAX}+` : String(meant);
  const size = number.length > 1 ? 13 : 17;
  const mark = meant > 0
    ? `<circle cx="22" cy="22" r="10" fill="#b3261e"/><text x="22" y="${22 + size * 0.36}" font-family="sans-serif" font-weight="700" font-size="${size}" text-anchor="middle" fill="#fff">${number}</text>`
    : '<circle cx="25" cy="25" r="6" fill="#b3261e" stroke="#fff" stroke-width="1.5"/>';
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${flame}${mark}</svg>`;
}

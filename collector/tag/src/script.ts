// What the site owner wrote on the script element: `<script defer src="https://HOST/wf.js" data-site="WF-…">`.

export const {
  src,
  dataset: {
    /** Also names what the tag shares between pages: the channel of the tabs, and the unsent hits where they are stored. */
    site,
    /** `data-hash`: the fragment is part of a page's address. */
    hash,
    /** `data-storage`: the site opted in to keep a visitor id and the unsent hits in localStorage. */
    storage,
  },
} = document.currentScript as HTMLScriptElement & { dataset: { site: string } };

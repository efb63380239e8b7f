// Whose chat this is: the module's own address says it, `https://HOST/chat.js?WF-…`.

export const { origin, search } = new URL(import.meta.url);

export const site = search.slice(1);

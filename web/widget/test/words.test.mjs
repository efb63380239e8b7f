// One table of words: every phrase in every language, with the same things put in; and the language that a page gets.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { load } from "../../ui/test/bundle.mjs";

const SRC = new URL("../src/", import.meta.url);
const { phrase, ...table } = await load("words", SRC);
const { LANGUAGES, isRightToLeft, languageOf } = await load("language", SRC);

const placeholders = (text) => [...text.matchAll(/\{(\w*)\}/g)].map(([whole]) => whole).sort();

test("every phrase is there in every language, with the same placeholders", () => {
  assert.ok(Object.keys(table).length > 50);
  for (const [key, words] of Object.entries(table)) {
    assert.equal(words.length, LANGUAGES.length, key);
    for (const [at, text] of words.entries()) {
      assert.ok(text.trim() === text && text.length > 0, `${key} in ${LANGUAGES[at]}`);
      assert.deepEqual(placeholders(text), placeholders(words[0]), `${key} in ${LANGUAGES[at]}`);
      assert.equal((text.match(/[{}]/g) ?? []).length, 2 * placeholders(text).length, `${key} in ${LANGUAGES[at]}`);
    }
  }
});

test("Chinese is in Chinese, and Arabic in Arabic", () => {
  for (const [key, words] of Object.entries(table)) {
    assert.match(words[LANGUAGES.indexOf("zh")], /\p{Script=Han}/u, key);
    assert.match(words[LANGUAGES.indexOf("ar")], /\p{Script=Arabic}/u, key);
  }
});

test("every phrase is said somewhere", () => {
  const sources = readdirSync(SRC, { recursive: true }).filter((file) => file.endsWith(".ts") && file !== "words.ts");
  const text = sources.map((file) => readFileSync(new URL(file, SRC), "utf8")).join("\n");
  for (const key of Object.keys(table)) {
    // In an import and at least once more.
    assert.ok((text.match(new RegExp(`\\b${key}\\b`, "g")) ?? []).length >= 2, key);
  }
});

test("what is put in stands where it belongs, and what is missing stays to be seen", () => {
  assert.equal(phrase(table.tooLong, 0, { bytes: 9_000, max: "8,192" }), "This is too long: 9000 bytes, and at most 8,192 fit.");
  assert.equal(phrase(table.says, 0, { name: "{text}", text: "a" }), "{text} says: a");
  assert.equal(phrase(table.score, 1, {}), "{score} sur 5");
});

function check(asked, language) {
  assert.equal(LANGUAGES[languageOf(asked)], language, asked);
}

test("a page gets its language, or English", () => {
  check("fr", "fr");
  check("fr-CH", "fr");
  check("DE-at", "de");
  check("es-419", "es");
  check("zh-Hant-TW", "zh");
  check("ar-EG", "ar");
  check("en-GB", "en");
  check("", "en");
  check("pt-BR", "en");
  check("arn", "en");
  check("x", "en");
});

test("Arabic alone reads from the right", () => {
  assert.deepEqual(LANGUAGES.filter((_, at) => isRightToLeft(at)), ["ar"]);
});

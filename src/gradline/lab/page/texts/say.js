// Texts by key, in the language that is chosen; {names} in them are filled with values.

import {LESSON_WORDS} from "./lesson_words.js";
import {WORDS} from "./words.js";

const TABLE = {...WORDS, ...LESSON_WORDS},
  LANGUAGES = ["en", "ko"];

export function translator(lang) {
  const column = LANGUAGES.indexOf(lang);
  return (key, values = {}) => {
    if (!Object.hasOwn(TABLE, key)) throw new Error(`no text ${key}`);
    return TABLE[key][column].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  };
}

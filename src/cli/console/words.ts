/** How a line is split into words: as a shell does, without variables, patterns and pipes. */
import { IcbdError } from '../../core/errors.js';

/** What a line is not finished with; `word` is none of it. */
export type Unfinished = "'" | '"' | '\\' | '';

export interface Word {
  readonly value: string;
  /** Where it begins in the line, quotes included. */
  readonly start: number;
}

export interface Scan {
  readonly words: readonly Word[];
  /** What stands open at the end of the line. */
  readonly unfinished: Unfinished;
  /** Whether the last word goes on up to the end of the line. */
  readonly ends_in_word: boolean;
  readonly has_comment: boolean;
}

const space = /\s/;

/** Looks at one line, one character at a time. */
class Scanner {
  readonly words: Word[] = [];
  #start = -1;
  #value = '';
  #quote: "'" | '"' | '' = '';
  #is_escaped = false;
  #has_comment = false;

  scan(line: string): Scan {
    for (let index = 0; index < line.length && !this.#has_comment; index += 1) {
      this.#take(line[index] ?? '', index);
    }
    const ends_in_word = this.#start >= 0;
    this.#endWord();
    const unfinished = this.#is_escaped ? '\\' : this.#quote;
    return { words: this.words, unfinished, ends_in_word, has_comment: this.#has_comment };
  }

  #take(character: string, index: number): void {
    if (this.#is_escaped) {
      // Between double quotes a backslash is only special before what is special there.
      const is_plain = this.#quote === '"' && character !== '"' && character !== '\\';
      this.#value += is_plain ? `\\${character}` : character;
      this.#is_escaped = false;
    } else if (character === '\\' && this.#quote !== "'") {
      this.#begin(index);
      this.#is_escaped = true;
    } else if (this.#quote !== '') {
      if (character === this.#quote) this.#quote = '';
      else this.#value += character;
    } else if (character === "'" || character === '"') {
      this.#begin(index);
      this.#quote = character;
    } else if (space.test(character)) {
      this.#endWord();
    } else if (character === '#' && this.#start < 0) {
      this.#has_comment = true;
    } else {
      this.#begin(index);
      this.#value += character;
    }
  }

  #begin(index: number): void {
    if (this.#start < 0) this.#start = index;
  }

  #endWord(): void {
    if (this.#start >= 0) this.words.push({ value: this.#value, start: this.#start });
    this.#start = -1;
    this.#value = '';
  }
}

/** The words of a line that may still be typed at. */
export function scanLine(line: string): Scan {
  return new Scanner().scan(line);
}

/**
 * The words of a whole line; none if it is empty or a comment.
 * @throws IcbdError `InvalidArgument` if a quote is not closed, or the line ends with a backslash
 */
export function splitWords(line: string): string[] {
  const { words, unfinished } = scanLine(line);
  if (unfinished === '') return words.map(({ value }) => value);
  const message =
    unfinished === '\\' ? 'the line ends with a backslash' : `a quote is not closed: ${unfinished}`;
  throw new IcbdError('InvalidArgument', message, {
    operation: 'read the command line',
    subject: line,
    hint: `put \\ before a ${unfinished === '\\' ? 'backslash' : 'quote'} that is part of a word, or quote the word`,
  });
}

const plain_word = /^[^\s'"\\#][^\s'"\\]*$/;

/**
 * `value` as it is to be typed so that `splitWords` gives it back.
 * @param quote the quote that was begun already
 */
export function quoteWord(value: string, quote: "'" | '"' | '' = ''): string {
  if (quote === '' && plain_word.test(value)) return value;
  if (quote !== '"' && !value.includes("'")) return `'${value}'`;
  return `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
}

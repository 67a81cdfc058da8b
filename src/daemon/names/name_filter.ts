/** Which names a list or a removal is about. */
import { RE2JS, RE2JSException, RE2JSSyntaxException } from 're2js';
import type { Clock } from '../../core/clock.js';
import { IcbdError } from '../../core/errors.js';
import type { NameFilter, NameRemoval, NameReport } from '../../core/name_report.js';

const expression_characters_max = 1_000;
/**
 * Steps of a compiled expression. RE2 looks at each character once, but at each it may have to look at all steps:
 * with so many, a name of 255 bytes takes some milliseconds at most.
 */
const program_steps_max = 2_000;
/** Steps that an expression may have before it is compiled, by a bound from above: so many compile in 0.3 s. */
const estimated_steps_max = 60_000;
/** RE2 itself refuses nested repeats whose counts are more than this together. */
const nested_repeats_max = 1_000;
/** How long one expression may be looked for in all names, ms; nobody else is answered meanwhile. */
const search_ms_max = 500;

const operation = 'name server';

function refuse(regex: string, why: string, hint: string, cause?: unknown): never {
  const subject = regex.slice(0, 80);
  throw new IcbdError('InvalidArgument', `the expression ${why}`, { operation, subject, hint, cause });
}

/** Every character may stand under every repeat, as far as this can see. */
function estimateSteps(regex: string): number {
  let repeats = 1;
  for (const [, least = '', , most = ''] of regex.matchAll(/\{(\d+)(,(\d*))?\}/g)) {
    repeats *= Math.max(1, Number(most === '' ? least : most));
  }
  return regex.length * Math.min(repeats, nested_repeats_max);
}

function describeSyntax(regex: string, error: RE2JSException): string {
  if (!(error instanceof RE2JSSyntaxException)) return error.message;
  const fragment = error.getPattern();
  if (fragment === null || fragment === '' || fragment === regex) return error.getDescription();
  return `${error.getDescription()} ${JSON.stringify(fragment)} at character ${regex.indexOf(fragment) + 1}`;
}

/**
 * Compiles an expression of RE2's syntax, which is matched in linear time and from the start of a name.
 * @returns whether a name matches; it throws IcbdError `InvalidArgument` when the names together take too long
 * @throws IcbdError `InvalidArgument` for one that is not valid, too long or too large
 */
export function compileExpression(regex: string, clock: Clock): (name: string) => boolean {
  const too_large_hint = 'use fewer or smaller counted repeats; a name has at most 255 bytes';
  if (regex.length > expression_characters_max) {
    refuse(regex, `is longer than ${expression_characters_max} characters`, 'use a shorter one, or a prefix');
  }
  if (estimateSteps(regex) > estimated_steps_max) refuse(regex, 'is too large', too_large_hint);
  let program: RE2JS;
  try {
    program = RE2JS.compile(regex);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    const hint = "the syntax is RE2's: no look-around and no back-references; a dot of a name is \\.";
    return refuse(regex, `is not valid: ${describeSyntax(regex, error)}`, hint, error);
  }
  if (program.programSize() > program_steps_max) refuse(regex, 'is too large', too_large_hint);
  let until_ms: number | undefined;
  return (name) => {
    until_ms ??= clock.now() + search_ms_max;
    if (clock.now() > until_ms) {
      refuse(regex, `takes longer than ${search_ms_max} ms with the names there are`, 'make it simpler');
    }
    return program.matcher(name).lookingAt();
  };
}

function tooMany(what: string): never {
  throw new IcbdError('InvalidArgument', `${what} at a time`, {
    operation,
    hint: 'ask for one of them, and pick from the answer',
  });
}

/** Of a filter or a removal: the one thing it goes by. */
export interface NameChoice {
  /** All that match start with this. */
  readonly prefix: string;
  readonly matches: (name: string) => boolean;
}

/** @throws IcbdError `InvalidArgument` */
function chooseBy({ prefix, regex }: { prefix?: string; regex?: string }, clock: Clock): NameChoice {
  if (prefix !== undefined && regex !== undefined) tooMany('one filter of prefix and expression');
  return {
    prefix: prefix ?? '',
    matches: regex === undefined ? () => true : compileExpression(regex, clock),
  };
}

/** An empty list of words asks for nothing. */
function metadataTest({ metadata_all = [], metadata_any = [] }: NameFilter): (report: NameReport) => boolean {
  if (metadata_all.length > 0 && metadata_any.length > 0) tooMany('one of all and any metadata');
  if (metadata_any.length > 0) return ({ metadata }) => metadata_any.some((word) => metadata.includes(word));
  return ({ metadata }) => metadata_all.every((word) => metadata.includes(word));
}

/** What a list is to hold. */
export interface ListChoice extends NameChoice {
  readonly hasMetadata: (report: NameReport) => boolean;
}

/** @throws IcbdError `InvalidArgument` for more than one filter at a time, and what `compileExpression` throws */
export function readFilter(filter: NameFilter, clock: Clock): ListChoice {
  return { ...chooseBy(filter, clock), hasMetadata: metadataTest(filter) };
}

/**
 * @returns the name alone, or what to remove by
 * @throws IcbdError `InvalidArgument` unless exactly one thing is given, and that is not empty
 */
export function readRemoval(removal: NameRemoval, clock: Clock): string | NameChoice {
  const given = [removal.name, removal.prefix, removal.regex].filter((text) => text !== undefined);
  if (given.length !== 1 || given[0] === '') {
    throw new IcbdError('InvalidArgument', 'a removal is by a name, a prefix or an expression', {
      operation,
      hint: 'give exactly one of them, and not an empty one',
    });
  }
  return removal.name ?? chooseBy(removal, clock);
}

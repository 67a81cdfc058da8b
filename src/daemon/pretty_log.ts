/** The log for people: one line an event, the same that the JSON has. */
import pino_pretty from 'pino-pretty';

type Fields = Readonly<Record<string, unknown>>;

/** What the message says already, or what is for programs. */
const left_out = new Set(
  'level time node msg actor transfer event event_id state state_before kind status err'.split(' '),
);

const colors_of_levels = 'trace:gray,debug:blue,info:green,warn:yellow,error:red,fatal:bgRed';

const is_plain = /^[\w./:@+~-]+$/;

const control = /\p{Cc}/gu;

/** Nothing that a terminal would obey, and no second line: names and messages may come from a peer. */
const harmless = (text: string): string =>
  text.replaceAll(control, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);

function isReport(
  value: unknown,
): value is { readonly code: string; readonly message: string; hint?: unknown } {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value;
}

function inWords(value: unknown): string {
  if (typeof value === 'string') return is_plain.test(value) ? value : JSON.stringify(value);
  if (isReport(value)) {
    const hint = typeof value.hint === 'string' && value.hint !== '' ? ` (${value.hint})` : '';
    return JSON.stringify(`${value.message} [${value.code}]${hint}`);
  }
  return JSON.stringify(value) ?? '';
}

/** Fields behind the message: ` cause="operator root"  seq=3`. */
function fieldsOf(line: Fields): string {
  const { actor, transfer } = line;
  // Of an actor that is no transfer itself.
  const is_about = typeof transfer === 'string' && !String(actor).endsWith(`/${transfer}`);
  const named = Object.entries(line).filter(([name, value]) => !left_out.has(name) && value !== '');
  const all = is_about ? [['transfer', transfer] as const, ...named] : named;
  return harmless(all.map(([name, value]) => `  ${name}=${inWords(value)}`).join(''));
}

/** Where an exception came from, in lines of their own. */
function stackOf({ err }: Fields): string {
  if (typeof err !== 'object' || err === null || !('stack' in err) || typeof err.stack !== 'string')
    return '';
  return err.stack
    .split('\n')
    .map((line) => `\n    ${harmless(line.trim())}`)
    .join('');
}

/**
 * Makes a JSON line one for people: time, level and node, then what happened. An exception keeps its stack.
 * @param has_colors only where a terminal shows it
 */
export function prettyLines(has_colors: boolean): (line: string) => string {
  return pino_pretty.prettyFactory({
    colorize: has_colors,
    customColors: `${colors_of_levels},message:reset`,
    translateTime: 'SYS:yyyy-mm-dd HH:MM:ss.l o',
    // What it would show by itself, as it came.
    ignore: 'node,err,name,pid,hostname,caller',
    hideObject: true,
    messageFormat: (line, _key, _label, { colors }) => {
      const level_gap = ' '.repeat(Math.max(0, 5 - String(line['level']).length));
      const paint = (color: 'cyan' | 'gray', text: string): string =>
        has_colors && text !== '' ? colors[color](text) : text;
      const { node, actor, msg } = line;
      const what = harmless(typeof actor === 'string' ? `${actor} ${String(msg)}` : String(msg));
      const named = paint('cyan', harmless(String(node)));
      return `${level_gap}${named}  ${what}${paint('gray', fieldsOf(line))}${stackOf(line)}`;
    },
    // Without the brackets around it.
    customPrettifiers: { time: (time) => (typeof time === 'string' ? time : '') },
  });
}

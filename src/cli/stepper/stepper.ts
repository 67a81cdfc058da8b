/** Where somebody is in a history: what the keys do, and what the screen shows. */
import { renderOrigin, renderStep, renderVerdict, stepCells, type Viewed } from '../render/view_step.js';
import { eventName } from '../../core/path.js';
import { renderRows } from '../render/table.js';
import { cut, printable } from '../render/text.js';
import { type View, styled } from '../render/view.js';

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

/** A key, or the sequence that a special key sends, as one; letters one by one. */
export function splitKeys(text: string): string[] {
  // oxlint-disable-next-line no-control-regex
  return text.match(/\u001b\[[0-9;]*[A-Za-z~]|\u001bO[A-Z]|[\s\S]/gu) ?? [];
}

const help = 'n next  p back  g first  G last  5+enter to step 5  / search  j k scroll  q quit';
const narrow_help = 'n next  p back  g G ends  / search  q quit';

/** Lines of the list of steps around the one that is looked at. */
const list_lines = 5;

export class Stepper {
  readonly #viewed: Viewed;
  #index: number;
  #scroll = 0;
  #typed = '';
  /** What is typed behind `/`; null: nothing is looked for. */
  #search: string | null = null;
  #last_search = '';
  #message = '';
  #has_quit = false;

  /** Begins at the last step, or where the history departs. */
  constructor(viewed: Viewed) {
    const { steps, departure } = viewed.report;
    const departs = steps.findIndex(({ seq }) => seq === departure?.seq);
    this.#viewed = viewed;
    this.#index = departs >= 0 ? departs : Math.max(0, steps.length - 1);
  }

  get has_quit(): boolean {
    return this.#has_quit;
  }

  press(key: string): void {
    this.#message = '';
    // Ctrl-C, Ctrl-D.
    if (key === '\u0003' || key === '\u0004') this.#has_quit = true;
    else if (this.#search !== null) this.#pressInSearch(key, this.#search);
    else if (/^\d$/.test(key)) this.#typed = (this.#typed + key).slice(0, 9);
    else if (this.#typed !== '') this.#pressBehindNumber(key);
    else this.#pressPlain(key);
  }

  #pressPlain(key: string): void {
    const last = this.#viewed.report.steps.length - 1;
    switch (key) {
      case 'n':
      case ' ':
      case '\u001b[C':
      case '\u001bOC':
        return this.#go(this.#index + 1, 'this is the last step');
      case 'p':
      case '\u007f':
      case '\b':
      case '\u001b[D':
      case '\u001bOD':
        return this.#go(this.#index - 1, 'this is the first step');
      case 'g':
      case '\u001b[H':
        return this.#go(0);
      case 'G':
      case '\u001b[F':
        return this.#go(last);
      case 'j':
      case '\u001b[B':
      case '\u001bOB':
        this.#scroll += 1;
        return;
      case 'k':
      case '\u001b[A':
      case '\u001bOA':
        this.#scroll = Math.max(0, this.#scroll - 1);
        return;
      case '/':
        this.#search = '';
        return;
      case 'q':
        this.#has_quit = true;
        return;
      default:
    }
  }

  #pressBehindNumber(key: string): void {
    if (key === '\u007f' || key === '\b') {
      this.#typed = this.#typed.slice(0, -1);
      return;
    }
    const seq = Number(this.#typed);
    this.#typed = '';
    if (key !== '\r' && key !== '\n') return;
    const index = this.#viewed.report.steps.findIndex((step) => step.seq === seq);
    if (index < 0) this.#message = `there is no step ${seq}`;
    else this.#go(index);
  }

  #pressInSearch(key: string, typed: string): void {
    if (key === '\r' || key === '\n') {
      this.#search = null;
      this.#find(typed === '' ? this.#last_search : typed);
    } else if (key === '\u007f' || key === '\b') {
      this.#search = typed === '' ? null : typed.slice(0, -1);
    } else if (key === '\u001b') {
      this.#search = null;
    } else if (key >= ' ' && !key.startsWith('\u001b')) {
      this.#search = typed + key;
    }
  }

  /** The next step whose event or state has the text in it, from the beginning again behind the last. */
  #find(wanted: string): void {
    if (wanted === '') return;
    this.#last_search = wanted;
    const { steps } = this.#viewed.report;
    const text = wanted.toLowerCase();
    for (let ahead = 1; ahead <= steps.length; ahead += 1) {
      const index = (this.#index + ahead) % steps.length;
      const step = steps[index];
      if (step === undefined) continue;
      const words = `${eventName(step.event.type)} ${step.state} ${step.ignored_reason}`;
      if (!words.toLowerCase().includes(text)) continue;
      if (index <= this.#index) this.#message = 'from the beginning again';
      this.#go(index);
      return;
    }
    this.#message = `no event or state has ${JSON.stringify(wanted)} in it`;
  }

  /** @param at_end what is said if there is no such place */
  #go(index: number, at_end = ''): void {
    const { length } = this.#viewed.report.steps;
    const place = Math.min(Math.max(index, 0), Math.max(0, length - 1));
    if (place !== index) this.#message = at_end;
    if (place !== this.#index) this.#scroll = 0;
    this.#index = place;
  }

  /** The whole screen, never more lines than it has. */
  draw({ columns, rows }: ScreenSize, view: View): string {
    const sized = { ...view, columns };
    const top = [...linesOf(renderOrigin(this.#viewed, sized)), '', ...this.#list(sized), ''];
    const bottom = [...linesOf(renderVerdict(this.#viewed, sized)), this.#status(sized)];
    const room = Math.max(1, rows - top.length - bottom.length);
    const body = linesOf(renderStep(this.#viewed, this.#index, sized));
    return [...top, ...this.#window(body, room, sized), ...bottom].slice(-rows).join('\n');
  }

  #list(view: View): string[] {
    const { steps } = this.#viewed.report;
    const first = Math.max(0, Math.min(this.#index - Math.floor(list_lines / 2), steps.length - list_lines));
    const shown = steps.slice(first, first + list_lines);
    const rows = shown.map((step, offset) => [
      first + offset === this.#index ? { text: '>', style: 'bold' as const } : ' ',
      ...stepCells(step, this.#viewed),
    ]);
    return linesOf(renderRows(rows, view));
  }

  /** The part of `body` that fits, from where it was scrolled to; as many lines as there is room. */
  #window(body: readonly string[], room: number, view: View): string[] {
    if (body.length <= room) return [...body, ...Array.from({ length: room - body.length }, () => '')];
    this.#scroll = Math.min(this.#scroll, body.length - room + 1);
    const shown = body.slice(this.#scroll, this.#scroll + room - 1);
    const left = body.length - this.#scroll - shown.length;
    const above = this.#scroll === 0 ? '' : `${this.#scroll} lines above`;
    const below = left === 0 ? '' : `${left} more lines below: j`;
    const more = [above, below].filter((text) => text !== '').join(', ');
    return [...shown, styled(cut(`  … ${more}`, view.columns ?? 80), 'dim', view)];
  }

  #status(view: View): string {
    const columns = view.columns ?? 80;
    if (this.#search !== null) return cut(`/${printable(this.#search)}`, columns);
    if (this.#typed !== '') return cut(`go to step ${this.#typed}`, columns);
    if (this.#message !== '') return styled(cut(printable(this.#message), columns), 'yellow', view);
    return styled(cut(columns < help.length ? narrow_help : help, columns), 'dim', view);
  }
}

const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

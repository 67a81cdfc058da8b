/** A strict reader of Prometheus' text format, version 0.0.4: it throws at whatever a scraper would stumble over. */

export interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  readonly help: string;
  readonly samples: readonly { name: string; labels: Readonly<Record<string, string>>; value: number }[];
}

const metric_name = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const sample_line = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const label_pair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;
const suffixes: Readonly<Record<Family['type'], readonly string[]>> = {
  counter: [''],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};

function readValue(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  if (text === 'NaN' || text === 'Nan') return Number.NaN;
  if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)) throw new Error(`no number: ${text}`);
  return Number(text);
}

function readLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  label_pair.lastIndex = 0;
  while (label_pair.lastIndex < text.length) {
    const at = label_pair.lastIndex;
    const [, name = '', value = ''] = label_pair.exec(text) ?? [];
    if (name === '') throw new Error(`no labels at ${at}: ${text}`);
    if (name in labels) throw new Error(`the label ${name} twice: ${text}`);
    labels[name] = value.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
  }
  return labels;
}

/** Families in their order. @throws Error that says which line is wrong */
export function readExposition(text: string): Family[] {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families: {
    -readonly [K in keyof Family]: Family[K] extends readonly (infer S)[] ? S[] : Family[K];
  }[] = [];
  const seen = new Set<string>();
  let help: readonly [name: string, text: string] | undefined;
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    if (line.startsWith('# HELP ')) {
      const [, name = '', words = ''] = /^# HELP (\S+) (.+)$/.exec(line) ?? [];
      if (!metric_name.test(name) || words === '') throw new Error(`no help: ${line}`);
      help = [name, words];
      continue;
    }
    if (line.startsWith('# TYPE ')) {
      const [, name = '', type = ''] = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(line) ?? [];
      if (name === '' || help?.[0] !== name) throw new Error(`a type without its help: ${line}`);
      if (families.some((family) => family.name === name)) throw new Error(`twice: ${line}`);
      families.push({ name, type: type as Family['type'], help: help[1], samples: [] });
      continue;
    }
    if (line.startsWith('#')) throw new Error(`an unknown comment: ${line}`);
    const [, name = '', labels = '', value = ''] = sample_line.exec(line) ?? [];
    const family = families.at(-1);
    if (name === '' || family === undefined) throw new Error(`no sample: ${line}`);
    if (!suffixes[family.type].some((suffix) => family.name + suffix === name)) {
      throw new Error(`not of the family ${family.name}: ${line}`);
    }
    const key = `${name}{${labels}}`;
    if (seen.has(key)) throw new Error(`twice: ${line}`);
    seen.add(key);
    family.samples.push({ name, labels: readLabels(labels), value: readValue(value) });
  }
  for (const family of families) checkFamily(family);
  return families;
}

/** What `promtool check metrics` says of names and histograms. */
function checkFamily({ name, type, samples }: Family): void {
  const is_total = name.endsWith('_total');
  if (is_total !== (type === 'counter')) throw new Error(`${name} is a ${type}`);
  if (/_(ms|milliseconds|minutes|kib|mib|kilobytes|percent)(_|$)/.test(name))
    throw new Error(`${name}: no base unit`);
  if (type === 'counter' && samples.some(({ value }) => !(value >= 0)))
    throw new Error(`${name} is negative`);
  if (type !== 'histogram') return;
  const buckets = samples.filter((sample) => sample.name === `${name}_bucket`);
  for (const count of samples.filter((sample) => sample.name === `${name}_count`)) {
    const own = buckets.filter(({ labels: { le: _le, ...rest } }) =>
      Object.entries(rest).every(([label, value]) => count.labels[label] === value),
    );
    const values = own.map(({ value }) => value);
    if (own.at(-1)?.labels['le'] !== '+Inf') throw new Error(`${name} has no last bucket`);
    if (values.at(-1) !== count.value) throw new Error(`${name}: its last bucket is not its count`);
    if (values.some((value, index) => value < (values[index - 1] ?? 0)))
      throw new Error(`${name} is not cumulative`);
  }
}

/** The value of the one sample of a family that has these labels. @throws if there is none */
export function sampleOf(
  families: readonly Family[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const found = families
    .flatMap(({ samples }) => samples)
    .filter(
      (sample) =>
        sample.name === name &&
        Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    );
  if (found.length !== 1) throw new Error(`${found.length} samples ${name} ${JSON.stringify(labels)}`);
  return found[0]?.value ?? Number.NaN;
}

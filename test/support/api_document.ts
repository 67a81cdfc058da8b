/** The description of the control API, as tests read it. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

type Schema = Readonly<Record<string, unknown>>;

interface Body {
  readonly required?: boolean;
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
  readonly $ref?: string;
}

export interface ApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly description?: string;
    readonly schema: Schema;
  }[];
  readonly requestBody?: Body;
  readonly responses: Readonly<Record<string, Body>>;
  /** Of the event stream: the data of each kind of message. */
  readonly 'x-messages'?: Readonly<Record<string, Schema>>;
}

export interface ApiDocument {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, ApiOperation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly responses: Readonly<Record<string, Body>>;
  };
}

export interface DescribedOperation {
  /** In small letters. */
  readonly method: string;
  /** With `{name}`s. */
  readonly path: string;
  readonly operation: ApiOperation;
}

export function operationsOf({ paths }: ApiDocument): DescribedOperation[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method, path, operation })),
  );
}

/** Checks values with the schemas of a document. */
export class ApiSchemas {
  readonly #ajv = new Ajv2020({ strict: true, allErrors: true });
  readonly #made = new Map<string, ValidateFunction>();
  readonly #responses: ApiDocument['components']['responses'];

  constructor({ components }: ApiDocument) {
    this.#responses = components.responses;
    // What a document says beside its schemas means nothing to those who only check.
    this.#ajv.addVocabulary(['components']);
    this.#ajv.addSchema({ $id: 'icbdrep:api', components });
  }

  /**
   * @param value undefined: only whether the schema is one
   * @throws Error that says what does not fit
   */
  check(schema: Schema, value: unknown): void {
    const text = JSON.stringify(schema).replaceAll('"#/components', '"icbdrep:api#/components');
    const known = this.#made.get(text);
    const validate = known ?? this.#ajv.compile(JSON.parse(text) as object);
    this.#made.set(text, validate);
    if (value === undefined || validate(value)) return;
    const what = this.#ajv.errorsText(validate.errors, { separator: '\n' });
    throw new Error(`${what}\n${JSON.stringify(value).slice(0, 2_000)}`);
  }

  /** Checks an answer with what an operation says of its status. @throws Error as `check` */
  checkAnswer({ operationId, responses }: ApiOperation, status: number, value: unknown): void {
    const named = responses[String(status)];
    const response = named?.$ref === undefined ? named : this.#responses[named.$ref.split('/').at(-1) ?? ''];
    const schema = response?.content?.['application/json']?.schema;
    if (schema === undefined) throw new Error(`${operationId} says nothing of the status ${status}`);
    this.check(schema, value);
  }
}

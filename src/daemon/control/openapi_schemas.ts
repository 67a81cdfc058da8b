/** Schemas of requests and answers as they stand in an OpenAPI document. */
import { z } from 'zod';

export type Json = { [key: string]: unknown };

/** Makes JSON Schemas, and gathers those that have a name. */
export class SchemaBook {
  /** By name: the document's `components.schemas`. */
  readonly components: Record<string, Json> = {};

  /** @param io whether somebody writes it (`input`) or reads it */
  of(schema: z.ZodType, io: 'input' | 'output'): Json {
    // Inside of another, one that has a name becomes a reference.
    const made = z.toJSONSchema(z.object({ it: schema }), { io, unrepresentable: 'any' }) as unknown as {
      properties: { it: Json };
      $defs?: Record<string, Json>;
    };
    for (const [name, definition] of Object.entries(made.$defs ?? {})) {
      const { id: _id, ...rest } = definition;
      this.components[name] = withReferences(rest) as Json;
    }
    return withReferences(made.properties.it) as Json;
  }

  /** One parameter for each value of a query. */
  parameters(query: z.ZodType): Json[] {
    const { properties = {}, required = [] } = this.of(query, 'input') as {
      properties?: Record<string, Json>;
      required?: string[];
    };
    return Object.entries(properties).map(([name, { description, ...schema }]) => ({
      name,
      in: 'query',
      required: required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema,
    }));
  }
}

/** References lead to where an OpenAPI document keeps what has a name. */
function withReferences(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withReferences);
  if (typeof value !== 'object' || value === null) return value;
  const pairs = Object.entries(value).map(([key, inner]) => {
    const is_reference = key === '$ref' && typeof inner === 'string';
    return [key, is_reference ? inner.replace('#/$defs/', '#/components/schemas/') : withReferences(inner)];
  });
  return Object.fromEntries(pairs) as unknown;
}

/** The description of the API holds together, and is what the client asks and the daemon refuses. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeApi } from '../../../../src/daemon/control/openapi.js';
import { controlRoutes } from '../../../../src/daemon/control/routes.js';
import type { Operations } from '../../../../src/daemon/operations/operations.js';
import { HttpBench } from './http_support.js';
import { type ApiDocument, ApiSchemas, operationsOf } from '../../../support/api_document.js';

/** Routes that are only looked at. */
const any: unknown = new Proxy({}, { get: () => any });
const document = describeApi(controlRoutes(any as Operations), '1.2.3') as unknown as ApiDocument;
const operations = operationsOf(document);

test('it says what it is', () => {
  expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'icbdrep', version: '1.2.3' } });
  expect(operations.length).toBeGreaterThan(50);
});

test('every operation has a name of its own, a line for people, a group, and answers', () => {
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  const groups = document.tags.map(({ name }) => name);
  for (const { operation } of operations) {
    expect(operation.operationId).toMatch(/^[a-z][A-Za-z0-9]+$/);
    expect(operation.summary).toMatch(/^[a-z].*[^.]$/);
    expect(operation.tags).toEqual([expect.toBeOneOf(groups)]);
    expect(Object.keys(operation.responses)).toEqual(
      expect.arrayContaining(['200', '400', '401', '404', '500']),
    );
  }
});

test('what stands in a path is described, and so is all that can be asked', () => {
  for (const { path: at, operation } of operations) {
    const parameters = operation.parameters ?? [];
    const in_path = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
    expect(in_path).toEqual([...at.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    for (const parameter of parameters) {
      expect([at, parameter]).toEqual([
        at,
        expect.objectContaining({ description: expect.stringMatching(/./) }),
      ]);
      expect(parameter.required).toBe(parameter.in === 'path');
    }
  }
});

test('every reference leads somewhere', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(
    ([, found = '']) => found,
  );
  expect(references.length).toBeGreaterThan(100);
  for (const reference of new Set(references)) {
    const [, ...keys] = reference.split('/');
    const found = keys.reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], document);
    expect([reference, typeof found]).toEqual([reference, 'object']);
  }
});

test('every schema is one of JSON Schema, without a word that means nothing', () => {
  const schemas = new ApiSchemas(document);
  let checked = 0;
  for (const { operation } of operations) {
    const bodies = [operation.requestBody, ...Object.values(operation.responses)];
    for (const body of bodies) {
      for (const { schema } of Object.values(body?.content ?? {})) {
        schemas.check(schema, undefined);
        checked += 1;
      }
    }
    for (const { schema } of operation.parameters ?? []) schemas.check(schema, undefined);
  }
  for (const name of Object.keys(document.components.schemas)) {
    schemas.check({ $ref: `#/components/schemas/${name}` }, undefined);
  }
  expect(checked).toBeGreaterThan(operations.length);
  expect(() => schemas.check({ $ref: '#/components/schemas/PingReport' }, {})).toThrow(/answer/);
});

/** What a call of the client asks for: names are `*`. */
function clientCalls(): string[] {
  const directory = path.resolve(import.meta.dirname, '../../../../src/client');
  return readdirSync(directory).flatMap((file) => {
    const source = readFileSync(path.join(directory, file), 'utf8');
    const calls = source.matchAll(/\.call(?:<[^(]*>)?\(\s*'([A-Z]+)',\s*(?:'([^']+)'|`([^`]+)`)/g);
    return [...calls].map(([, method = '', plain, made]) => {
      const asked = (plain ?? made ?? '').replaceAll(/\$\{[^}]*\}/g, '*');
      return `${method.toLowerCase()} /v1/${asked}`;
    });
  });
}

test('all that the client asks for is in it', () => {
  const described = operations.map(({ method, path: at }) => `${method} ${at}`);
  const calls = clientCalls();
  expect(calls.length).toBeGreaterThan(40);
  for (const call of calls) {
    const pattern = new RegExp(`^${call.replaceAll('*', '.+')}$`);
    expect([call, described.some((one) => pattern.test(one))]).toEqual([call, true]);
  }
});

describe('requests that are not as it says', () => {
  const bench = new HttpBench();
  const schemas = new ApiSchemas(document);
  beforeAll(() => bench.start());
  afterAll(() => bench.dispose());
  const asked = operations.filter(({ path: at }) => at.startsWith('/v1/') && !/session|openapi/.test(at));

  test.each(asked.map(({ method, path: at, operation }) => [method.toUpperCase(), at, operation] as const))(
    '%s %s',
    async (method, at, operation) => {
      const target = at.replaceAll(/\{\w+\}/g, 'x');
      const headers = { 'content-type': 'application/json' };
      const refused = [await bench.known(`${target}?nonsense=1`, { method, headers })];
      if (method === 'POST')
        refused.push(await bench.known(target, { method, headers, body: { nonsense: 1 } }));
      if (operation.requestBody?.required === true)
        refused.push(await bench.known(target, { method, headers }));
      for (const { status, text } of refused) {
        // A node without events has none to refuse.
        expect(status).toBe(at === '/v1/events' ? 403 : 400);
        schemas.check({ $ref: '#/components/schemas/ErrorAnswer' }, JSON.parse(text));
      }
    },
  );
});

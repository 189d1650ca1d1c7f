import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { describe, expect, it } from 'vitest';

import { canShow, defaultsOf, fieldsOf, problemOf, type Field, type Input } from './schema';

/** The schema of one of this repository's guests. */
function schema(file: string): unknown {
  return JSON.parse(readFileSync(resolve('../guests', `${file}.schema.json`), 'utf8'));
}

/** How a property is entered. */
function inputFor(property: unknown, definitions: object = {}): Input | undefined {
  return fieldsOf({ type: 'object', properties: { it: property }, $defs: definitions })?.[0]?.input;
}

function field(input: Input): Field {
  return { name: 'it', title: 'It', description: '', isRequired: false, isDeprecated: false, default: undefined, input };
}

describe('the schemas of our guests', () => {
  it('become a form of queries of Prometheus', () => {
    const fields = fieldsOf(schema('prometheus/query')) ?? [];
    expect(fields.map(({ name, input }) => `${name}: ${input.kind}`)).toEqual([
      'expr: text', 'range: toggle', 'instant: toggle', 'exemplar: toggle', 'format: choice', 'legendFormat: text',
      'interval: text', 'intervalFactor: number', 'utcOffsetSec: number',
    ]);
    expect(fields[0]).toMatchObject({ title: 'Expression', isRequired: true, isDeprecated: false, default: undefined });
    expect(fields[7]).toMatchObject({ isDeprecated: true, input: { isInteger: true, minimum: 1 } });
    expect(defaultsOf(fields)).toEqual({ range: true, instant: false, exemplar: false, format: 'time_series' });
  });

  it('become a form of settings, with JSON for what has a structure', () => {
    const kinds = fieldsOf(schema('prometheus/settings'))?.map(({ input }) => input.kind);
    expect(kinds).toEqual(['choice', 'text', 'text', 'text', 'json']);
  });

  it('become lists of texts', () => {
    const fields = fieldsOf(schema('things/query'));
    expect(fields?.map(({ input }) => input.kind)).toEqual(['text', 'texts', 'texts']);
    expect(fields?.map(({ isRequired }) => isRequired)).toEqual([true, true, false]);
  });
});

describe('a property', () => {
  it('may be null besides its type', () => {
    expect(inputFor({ type: ['string', 'null'] })).toEqual({ kind: 'text' });
    expect(inputFor({ anyOf: [{ type: 'boolean' }, { type: 'null' }] })).toEqual({ kind: 'toggle' });
    expect(inputFor({ type: ['string', 'number'] })).toEqual({ kind: 'json' });
  });

  it('may be defined elsewhere in the schema', () => {
    const definitions = { 'a/b': { type: 'integer', minimum: 3 } };
    const input = { kind: 'number', isInteger: true, minimum: 3 };
    expect(inputFor({ $ref: '#/$defs/a~1b' }, definitions)).toEqual(input);
    expect(inputFor({ anyOf: [{ $ref: '#/$defs/a~1b' }, { type: 'null' }] }, definitions)).toEqual(input);
    expect(inputFor({ $ref: '#/$defs/nowhere' })).toEqual({ kind: 'json' });
    expect(inputFor({ $ref: 'https://example.com/schema' })).toEqual({ kind: 'json' });
  });

  it('that refers to itself is JSON, and does not run for ever', () => {
    expect(inputFor({ $ref: '#/properties/it' })).toEqual({ kind: 'json' });
  });

  it('may be one of several values, with titles', () => {
    const ascending = { const: 'asc', title: 'Ascending', description: 'Smallest first.' };
    expect(inputFor({ oneOf: [ascending, { const: 'desc' }] })).toEqual({
      kind: 'choice',
      choices: [
        { value: 'asc', label: 'Ascending', description: 'Smallest first.' },
        { value: 'desc', label: 'desc', description: '' },
      ],
    });
    expect(inputFor({ enum: [1, 2, null] })).toMatchObject({ choices: [{ value: 1, label: '1' }, { value: 2 }] });
    expect(inputFor({ enum: ['a', { b: 1 }] })).toEqual({ kind: 'json' });
  });
});

describe('a schema', () => {
  it('that says more than its properties is no form', () => {
    expect(fieldsOf({ properties: { a: {} }, oneOf: [{ required: ['a'] }] })).toBeUndefined();
  });

  it('without properties is no form', () => {
    expect([{}, undefined, true, { type: 'object' }].map(fieldsOf)).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe('a value', () => {
  it('that its input cannot show is found', () => {
    expect(canShow({ kind: 'text' }, 1)).toBe(false);
    expect(canShow({ kind: 'number', isInteger: false }, '$variable')).toBe(false);
    expect(canShow({ kind: 'texts' }, ['a', 1])).toBe(false);
    expect(canShow({ kind: 'choice', choices: [{ value: 'a', label: '', description: '' }] }, '$variable')).toBe(false);
    expect(canShow({ kind: 'texts' }, ['a', 'b'])).toBe(true);
  });

  it('out of its bounds is told in a sentence', () => {
    const whole = field({ kind: 'number', isInteger: true, minimum: 1, maximum: 9 });
    const sentences = [0, 10, 1.5, 5].map((value) => problemOf(whole, value));
    expect(sentences).toEqual([
      'It must be at least 1.', 'It must be at most 9.', 'It must be a whole number.', undefined,
    ]);
  });
});

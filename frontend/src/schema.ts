/** From a guest's JSON Schema to the fields of a form. What a form cannot show is left to a JSON editor. */

import { isObject, isTexts, text, type JsonObject } from './json';

/** `$ref`s that lead to one another: more are a circle. */
const REFERENCES_MAX = 16;

/** A root with one of these says more than its properties do. */
const CONDITIONS = ['allOf', 'anyOf', 'oneOf', 'not', 'if', 'patternProperties'];

/** One of the values of a choice. */
export interface Choice {
  value: string | number;
  label: string;
  description: string;
}

/** How a value is entered. */
export type Input =
  | { kind: 'text' }
  | { kind: 'number'; isInteger: boolean; minimum?: number; maximum?: number }
  | { kind: 'toggle' }
  | { kind: 'choice'; choices: Choice[] }
  | { kind: 'texts' }
  | { kind: 'json' };

/** A property of the schema. */
export interface Field {
  name: string;
  title: string;
  description: string;
  isRequired: boolean;
  /** Shown only where a value is stored already. */
  isDeprecated: boolean;
  /** What the guest takes where nothing is stored; undefined if the schema does not say. */
  default: unknown;
  input: Input;
}

/** The fields of an object schema, in its order. None if a form cannot stand for it. */
export function fieldsOf(schema: unknown): Field[] | undefined {
  if (!isObject(schema) || !isObject(schema.properties)) {
    return undefined;
  }
  if (CONDITIONS.some((keyword) => keyword in schema)) {
    return undefined;
  }
  const required = isTexts(schema.required) ? schema.required : [];
  return Object.entries(schema.properties).map(([name, property]) =>
    fieldOf(name, property, required.includes(name), schema),
  );
}

/** The values that a schema names for its fields. */
export function defaultsOf(fields: Field[]): JsonObject {
  const known = fields.filter((field) => field.default !== undefined && !field.isDeprecated);
  return Object.fromEntries(known.map((field) => [field.name, field.default]));
}

/** Whether an input can show a value. What it cannot show must not be lost, so that JSON stands in. */
export function canShow(input: Input, value: unknown): boolean {
  switch (input.kind) {
    case 'text':
      return typeof value === 'string';
    case 'number':
      return typeof value === 'number';
    case 'toggle':
      return typeof value === 'boolean';
    case 'choice':
      return input.choices.some((choice) => choice.value === value);
    case 'texts':
      return isTexts(value);
    case 'json':
      return true;
  }
}

/** What is wrong with a value, as a sentence. */
export function problemOf(field: Field, value: unknown): string | undefined {
  const { input } = field;
  if (input.kind !== 'number' || typeof value !== 'number') {
    return undefined;
  }
  if (input.isInteger && !Number.isInteger(value)) {
    return `${field.title} must be a whole number.`;
  }
  if (input.minimum !== undefined && value < input.minimum) {
    return `${field.title} must be at least ${input.minimum}.`;
  }
  if (input.maximum !== undefined && value > input.maximum) {
    return `${field.title} must be at most ${input.maximum}.`;
  }
  return undefined;
}

function fieldOf(name: string, property: unknown, isRequired: boolean, root: JsonObject): Field {
  const schema = resolve(property, root);
  return {
    name,
    title: text(schema, 'title') || name,
    description: text(schema, 'description'),
    isRequired,
    isDeprecated: schema.deprecated === true,
    // Null is how some generators say that there is none.
    default: schema.default ?? undefined,
    input: inputOf(schema, root),
  };
}

function inputOf(schema: JsonObject, root: JsonObject): Input {
  const choices = choicesOf(schema);
  if (choices !== undefined) {
    return { kind: 'choice', choices };
  }
  if (CONDITIONS.some((keyword) => keyword in schema)) {
    return { kind: 'json' };
  }
  switch (typeOf(schema)) {
    case 'string':
      return { kind: 'text' };
    case 'number':
    case 'integer':
      return {
        kind: 'number',
        isInteger: typeOf(schema) === 'integer',
        ...(typeof schema.minimum === 'number' && { minimum: schema.minimum }),
        ...(typeof schema.maximum === 'number' && { maximum: schema.maximum }),
      };
    case 'boolean':
      return { kind: 'toggle' };
    case 'array':
      return { kind: inputOf(resolve(schema.items, root), root).kind === 'text' ? 'texts' : 'json' };
    default:
      return { kind: 'json' };
  }
}

/** The one type besides null. */
function typeOf(schema: JsonObject): unknown {
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  const own = types.filter((type) => type !== 'null');
  return own.length === 1 ? own[0] : undefined;
}

/** The values of an `enum`, or of alternatives that are a `const` each; those may have titles. */
function choicesOf(schema: JsonObject): Choice[] | undefined {
  if (Array.isArray(schema.enum)) {
    const values = schema.enum.filter((value: unknown) => value !== null);
    return choicesFrom(values.map((value: unknown) => ({ const: value })));
  }
  const alternatives = schema.oneOf ?? schema.anyOf;
  return Array.isArray(alternatives) ? choicesFrom(alternatives) : undefined;
}

function choicesFrom(alternatives: unknown[]): Choice[] | undefined {
  const choices = [];
  for (const alternative of alternatives) {
    const value = isObject(alternative) ? alternative.const : undefined;
    if (!isObject(alternative) || (typeof value !== 'string' && typeof value !== 'number')) {
      return undefined;
    }
    const label = text(alternative, 'title') || String(value);
    choices.push({ value, label, description: text(alternative, 'description') });
  }
  return choices.length > 0 ? choices : undefined;
}

/** Follows references within the schema, and takes what is not null of what may be null. */
function resolve(property: unknown, root: JsonObject): JsonObject {
  let schema = isObject(property) ? property : {};
  for (let followed = 0; followed < REFERENCES_MAX; followed += 1) {
    const { $ref: reference, ...beside } = schema;
    const alternatives: unknown = schema.anyOf ?? schema.oneOf;
    const own = Array.isArray(alternatives) ? alternatives.filter(isObject).filter(isNotNull) : [];
    if (typeof reference === 'string') {
      schema = { ...lookUp(reference, root), ...beside };
    } else if (Array.isArray(alternatives) && alternatives.length === 2 && own.length === 1) {
      const { anyOf: _anyOf, oneOf: _oneOf, ...rest } = schema;
      schema = { ...own[0], ...rest };
    } else {
      return schema;
    }
  }
  return {};
}

function isNotNull(schema: JsonObject): boolean {
  return schema.type !== 'null';
}

/** What a JSON pointer such as `#/$defs/City` leads to. */
function lookUp(reference: string, root: JsonObject): JsonObject {
  let found: unknown = root;
  for (const step of reference.replace(/^#\/?/, '').split('/').filter(Boolean)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    found = isObject(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  }
  return isObject(found) ? found : {};
}

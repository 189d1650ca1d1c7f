/** JSON whose shape nobody vouches for. */

/** A JSON object. */
export type JsonObject = Record<string, unknown>;

/** Whether a value is a JSON object, which arrays and null are not. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a value is an array of texts. */
export function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

/** Whether two values are written as the same JSON. */
export function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** An object with one member changed, or without it where the value is undefined. */
export function withMember<T extends object>(object: T, name: string, value: unknown): T {
  const { [name]: _before, ...rest } = object as JsonObject;
  // What keeps its place keeps dashboards' differences small.
  return (value === undefined ? rest : { ...object, [name]: value }) as T;
}

/** An object without some of its members. */
export function withoutMembers(object: object, names: string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}

/** What a member of an object is if it is a text, else nothing. */
export function text(object: JsonObject, name: string): string {
  const value = object[name];
  return typeof value === 'string' ? value : '';
}

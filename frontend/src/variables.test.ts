import { FieldType, toDataFrame, type DataFrame, type FieldDTO } from '@grafana/data';
import { expect, it } from 'vitest';

import { valuesOf } from './variables';

function frame(...fields: FieldDTO[]): DataFrame {
  return toDataFrame({ fields });
}

const TIME = { name: 'time', type: FieldType.time, values: [1, 2, 3] };
const COUNT = { name: 'count', type: FieldType.number, values: [7, null, 7] };
const HOST = { name: 'host', type: FieldType.string, values: ['a', 'b', 'a'] };

it('a variable has the values of the first field of texts, each once', () => {
  expect(valuesOf([frame(TIME, COUNT, HOST), frame({ ...HOST, values: ['b', 'c'] })])).toEqual([
    { text: 'a', value: 'a' },
    { text: 'b', value: 'b' },
    { text: 'c', value: 'c' },
  ]);
});

it('without texts it has the first numbers, without what is null', () => {
  expect(valuesOf([frame(TIME, COUNT)])).toEqual([{ text: '7', value: '7' }]);
});

it('fields named text and value are what is shown and what is used', () => {
  const value = { name: '__value', type: FieldType.number, values: [1, 2] };
  const text = { name: '__text', type: FieldType.string, values: ['one', 'two'] };
  expect(valuesOf([frame(HOST, text, value)])).toEqual([
    { text: 'one', value: '1' },
    { text: 'two', value: '2' },
  ]);
});

it('times alone are no values', () => {
  expect(valuesOf([frame(TIME)])).toEqual([]);
});

/** What the host tells of its guests, over the data source's resource routes. */

import { getBackendSrv } from '@grafana/runtime';
import { lastValueFrom } from 'rxjs';

import { isObject, isTexts, text } from './json';
import type { Guest, ListedGuest, WantedSecret } from './model';

/** The guests that are installed, those that cannot be used among them. */
export async function fetchGuests(uid: string): Promise<ListedGuest[]> {
  return readGuests(await get(uid, 'guests', {}));
}

/** One guest's description of itself. */
export async function fetchGuest(uid: string, name: string): Promise<Guest> {
  return readGuest(await get(uid, 'schema', { guest: name }));
}

/** Reads the answer of route `guests`. */
export function readGuests(answer: unknown): ListedGuest[] {
  if (!isObject(answer) || !Array.isArray(answer.guests)) {
    throw new Error('The host answered something else than a list of guests.');
  }
  return answer.guests.filter(isObject).map((guest) => {
    const name = text(guest, 'name');
    const origin = [text(guest, 'version'), text(guest, 'vendor')].filter(Boolean).join(', ');
    const listed = { name, title: text(guest, 'title') || name, origin };
    return typeof guest.error === 'string' ? { ...listed, error: guest.error } : listed;
  });
}

/** Reads the answer of route `schema`. */
export function readGuest(answer: unknown): Guest {
  if (!isObject(answer) || text(answer, 'name') === '') {
    throw new Error("The host answered something else than a guest's description.");
  }
  const secrets = Array.isArray(answer.secrets) ? answer.secrets.filter(isObject) : [];
  return {
    name: text(answer, 'name'),
    title: text(answer, 'title') || text(answer, 'name'),
    version: text(answer, 'version'),
    vendor: text(answer, 'vendor'),
    documentation: readLink(text(answer, 'documentation')),
    querySchema: answer.querySchema ?? {},
    settingsSchema: answer.settingsSchema ?? {},
    secrets: secrets.map(readSecret).filter((secret) => secret.name !== ''),
    hosts: isTexts(answer.hosts) ? answer.hosts : [],
  };
}

/** What went wrong, as a sentence for people. */
export function sentenceOf(error: unknown): string {
  if (isObject(error)) {
    // Grafana's own errors carry the host's answer.
    const said = isObject(error.data) ? text(error.data, 'message') || text(error.data, 'error') : '';
    return said || text(error, 'message') || text(error, 'statusText') || 'Nobody said why.';
  }
  return typeof error === 'string' && error !== '' ? error : 'Nobody said why.';
}

function readSecret(secret: Record<string, unknown>): WantedSecret {
  const name = text(secret, 'name');
  return {
    name,
    title: text(secret, 'title') || name,
    help: text(secret, 'help'),
    required: secret.required === true,
  };
}

/** A vendor's link may lead to a page, but must not be a script. */
function readLink(link: string): string {
  return /^https?:\/\//i.test(link) ? link : '';
}

async function get(uid: string, route: string, params: Record<string, string>): Promise<unknown> {
  const url = `/api/datasources/uid/${encodeURIComponent(uid)}/resources/${route}`;
  const request = { url, params, method: 'GET', showErrorAlert: false };
  return (await lastValueFrom(getBackendSrv().fetch<unknown>(request))).data;
}

/** What dashboards and the data source's settings store, and what the host tells of its guests. */

import type { DataSourceJsonData } from '@grafana/data';
import type { DataQuery } from '@grafana/schema';

/** A query as dashboards store it: Grafana's members, two of ours, and the guest's, all side by side. */
export interface GraftQuery extends DataQuery {
  /** Whether the answer is kept up to date by Grafana Live. */
  live?: boolean;
  /** How often it is asked for then, in milliseconds. */
  liveIntervalMs?: number;
  /** The guest's members, as its query schema has them. */
  [member: string]: unknown;
}

/** `jsonData`: two settings of the host, and the guest's beside them. */
export interface GraftSettings extends DataSourceJsonData {
  /** The guest's name. */
  guest?: string;
  /** Hosts besides the URL's that the guest may ask. */
  allowedHosts?: string[];
  /** The guest's settings, as its settings schema has them. */
  [name: string]: unknown;
}

/** `secureJsonData`: the password of basic authentication, and the guest's secrets. */
export type GraftSecrets = Record<string, string>;

/** A guest in the list of those that are installed. */
export interface ListedGuest {
  name: string;
  /** Its name for people. */
  title: string;
  /** Its version and vendor; empty where it cannot be used. */
  origin: string;
  /** Why it cannot be used, if it cannot. */
  error?: string;
}

/** A secret that a guest wants. */
export interface WantedSecret {
  name: string;
  title: string;
  help: string;
  required: boolean;
}

/** What a guest says about itself. */
export interface Guest {
  name: string;
  title: string;
  version: string;
  vendor: string;
  /** Where its documentation is. Empty if nowhere that a browser can go. */
  documentation: string;
  querySchema: unknown;
  settingsSchema: unknown;
  secrets: WantedSecret[];
  /** Hosts besides the URL's that it needs. */
  hosts: string[];
}

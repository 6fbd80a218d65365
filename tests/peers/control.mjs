// What a test wants of an authorization server, and what the server saw: one table of acts, asked
// for by POST /control as {"act": ..., ...}. The same acts as in toolkit_server.py.

import { createHash } from "node:crypto";

const DEFAULTS = { secrets: [], token_ttl_s: 300, rotate: true, grace_s: 0, nonce: false };
const clients = new Map();
let aheadMs = 0;

const now = Date.now;
Date.now = () => now() + aheadMs;

export const fingerprint = (secret) => createHash("sha256").update(secret).digest("hex");

/** Return what is known of a client: its settings, what it was answered, what is to happen next. */
export function known(clientId) {
  return clients.get(clientId);
}

/** Keep a client of these settings, or change some of them. */
export function keep(clientId, settings) {
  const before = clients.get(clientId) ?? { ...DEFAULTS, seen: [], next: [], held: [] };
  clients.set(clientId, Object.assign(before, settings));
}

/** Do with a token answer what was asked for: `drop` says that nobody may ever read it. */
export async function treat(client) {
  const treatment = client?.next.shift();
  if (treatment === "hold") await new Promise((release) => client.held.push(release));
  return treatment;
}

const ACTS = {
  accept: ({ client_id, secrets }) => keep(client_id, { secrets }),
  accepted: ({ client_id }) => known(client_id).secrets.map(fingerprint),
  seen: ({ client_id }) => known(client_id).seen,
  next: ({ client_id, treatments }) => keep(client_id, { next: treatments }),
  held: ({ client_id }) => known(client_id).held.length,
  release: ({ client_id }) => known(client_id).held.splice(0).forEach((release) => release()),
  ahead: ({ seconds }) => void (aheadMs = seconds * 1000),
};

/** Do an act; those that only the server itself can do are given. */
export async function act(asked, own) {
  const found = await { ...ACTS, ...own }[asked.act](asked);
  return JSON.stringify(found ?? null);
}

// What every peer needs of the sandbox: its ready file, an app, its log-in form, and the one line
// that a test reads. No value of a secret or a token is ever printed.

import { webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";

// Node 18 keeps these behind a flag.
globalThis.crypto ??= webcrypto;
globalThis.CryptoKey ??= webcrypto.CryptoKey;

export const CALLBACK = "http://127.0.0.1/callback";
export const GOODBYE = "http://127.0.0.1/goodbye";
export const ready = JSON.parse(readFileSync(process.argv[2], "utf8"));
export const given = JSON.parse(process.argv[3] ?? "{}");

export function report(seen) {
  console.log(JSON.stringify(seen));
}

async function answerOf(response) {
  if (!response.ok) throw new Error(`${response.status} from ${new URL(response.url).pathname}`);
  return response.json();
}

/** Look, or with a body do what somebody else does, at the org's console. */
export async function control(path, body) {
  const headers = { authorization: `Bearer ${ready.control_token}` };
  const sent = body && { method: "POST", body: JSON.stringify(body) };
  return answerOf(await fetch(ready.control_url + path, { headers, ...sent }));
}

/** Make a web app, as an admin does, and return its id and credentials. */
export async function makeApp(label, settings, credentials) {
  const headers = {
    authorization: `SSWS ${ready.ssws_token}`,
    "content-type": "application/json",
  };
  const oauthClient = {
    application_type: "web",
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    redirect_uris: [CALLBACK],
    post_logout_redirect_uris: [GOODBYE],
    ...settings,
  };
  const app = {
    name: "oidc_client",
    label,
    signOnMode: "OPENID_CONNECT",
    credentials: { oauthClient: credentials },
    settings: { oauthClient },
  };
  const sent = { method: "POST", headers, body: JSON.stringify(app) };
  const made = await answerOf(await fetch(`${ready.https_url}/api/v1/apps`, sent));
  return { id: made.id, ...made.credentials.oauthClient };
}

const ENTITIES = { "&quot;": '"', "&#x27;": "'", "&lt;": "<", "&gt;": ">", "&amp;": "&" };
const plain = (text) => text.replace(/&[#\w]+;/g, (entity) => ENTITIES[entity]);

/** Post the log-in form at an address as the seeded person; return where that leads to. */
export async function logIn(url) {
  const page = await fetch(url);
  const html = await page.text();
  const form = new URLSearchParams(ready.user);
  for (const [, name, value] of html.matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g)) {
    form.set(plain(name), plain(value));
  }
  const action = new URL(plain(html.match(/action="([^"]*)"/)[1]), page.url);
  const back = await fetch(action, { method: "POST", body: form, redirect: "manual" });
  return new URL(back.headers.get("location"));
}

// Two copies of a web app, one with the old client secret and one with the new, while somebody at
// Okta deactivates the old one and activates it again. Given: `method`, how they authenticate.

import { control, given, report } from "./sandbox.mjs";
import * as oidc from "openid-client";
import { at, authorize, register, relyingParty } from "./relying_party.mjs";

const app = await register(given.method);
const { apps } = await control("/truth");
const [old] = apps.find((one) => one.id === app.id).secrets;
const made = await control(`/apps/${app.id}/secrets`, {});

const older = await relyingParty(app);
const newer = await relyingParty({ ...app, client_secret: made.client_secret });
const { tokens } = await authorize(older);

async function refresh(config) {
  const call = oidc.refreshTokenGrant(at(config, "token"), tokens.refresh_token);
  return call.then(() => "good", (error) => error.error);
}
const both = async () => [await refresh(older), await refresh(newer)];
const change = (verb) => control(`/apps/${app.id}/secrets/${old.id}/${verb}`, {});

const overlap = await both();
await change("deactivate");
const retired = await both();
await change("activate");
const reinstated = await both();
await change("deactivate");
await change("delete");
const deleted = await both();

report({ app: app.id, old: old.hash, made: made.hash, overlap, retired, reinstated, deleted });

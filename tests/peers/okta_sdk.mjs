// Okta's SDK for Node pages through the apps and turns a client secret, once round.
// Given: `by`, which is "token" (SSWS) or "key" (the service app's private key).

import { given, ready, report } from "./sandbox.mjs";
import okta from "@okta/okta-sdk-nodejs";

const credentials = {
  token: { token: ready.ssws_token },
  key: {
    authorizationMode: "PrivateKey",
    clientId: ready.service_client_id,
    privateKey: ready.service_private_jwk,
    scopes: ["okta.apps.manage", "okta.apps.read"],
  },
};
const client = new okta.Client({ orgUrl: ready.https_url, ...credentials[given.by] });
const api = client.applicationSSOPublicKeysApi;
const appId = ready.app.id;

async function all(collection) {
  const found = [];
  for await (const item of await collection) found.push(item);
  return found;
}

const apps = await all(client.applicationApi.listApplications({ limit: 2 }));

const [old] = await all(api.listOAuth2ClientSecrets({ appId }));
const made = await api.createOAuth2ClientSecret({ appId });
const listed = await all(api.listOAuth2ClientSecrets({ appId }));
const refusal = await api.createOAuth2ClientSecret({ appId }).catch((error) => error.message);
const stopped = await api.deactivateOAuth2ClientSecret({ appId, secretId: old.id });
const started = await api.activateOAuth2ClientSecret({ appId, secretId: old.id });
await api.deactivateOAuth2ClientSecret({ appId, secretId: old.id });
await api.deleteOAuth2ClientSecret({ appId, secretId: old.id });
const left = await api.getOAuth2ClientSecret({ appId, secretId: made.id });

report({
  apps: apps.map((app) => app.label),
  secrets: listed.map((secret) => secret.id),
  refusal,
  statuses: [made.status, stopped.status, started.status],
  left: { id: left.id, hash: left.secret_hash },
});

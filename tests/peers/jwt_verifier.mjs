// Okta's verifier for Node: an ID token of the org, and an access token of a custom server.

import { ready, report } from "./sandbox.mjs";
import OktaJwtVerifier from "@okta/jwt-verifier";
import { authorize, register, relyingParty } from "./relying_party.mjs";

const app = await register("client_secret_basic");

/** Return a token with another person in it, under the signature of the first. */
function tampered(token) {
  const [header, body, signature] = token.split(".");
  const claims = JSON.parse(Buffer.from(body, "base64url"));
  const changed = Buffer.from(JSON.stringify({ ...claims, sub: "somebody else" }));
  return [header, changed.toString("base64url"), signature].join(".");
}

const outcome = (promise) => promise.then(() => "good", (error) => error.message.split(" ")[0]);

const org = await authorize(await relyingParty(app));
const byId = new OktaJwtVerifier({
  issuer: ready.https_url,
  clientId: app.client_id,
  jwksUri: `${ready.https_url}/oauth2/v1/keys`, // what it would guess fits custom servers only
});
const verifyId = (token, clientId, nonce) => outcome(byId.verifyIdToken(token, clientId, nonce));

const issuer = `${ready.https_url}/oauth2/default`;
const custom = await authorize(await relyingParty(app, "/oauth2/default"));
const byAccess = new OktaJwtVerifier({ issuer });
const verifyAccess = (token, audience) => outcome(byAccess.verifyAccessToken(token, audience));

report({
  id_token: {
    good: await verifyId(org.tokens.id_token, app.client_id, org.nonce),
    tampered: await verifyId(tampered(org.tokens.id_token), app.client_id, org.nonce),
    audience: await verifyId(org.tokens.id_token, "another", org.nonce),
    nonce: await verifyId(org.tokens.id_token, app.client_id, "another"),
  },
  access_token: {
    good: await verifyAccess(custom.tokens.access_token, "api://default"),
    tampered: await verifyAccess(tampered(custom.tokens.access_token), "api://default"),
    audience: await verifyAccess(custom.tokens.access_token, "api://another"),
  },
});

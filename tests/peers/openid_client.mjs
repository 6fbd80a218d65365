// A relying party made with openid-client: from discovery to the log-out.
// Given: `method` (how the client authenticates), `server` (the path of a custom authorization
// server, else the org's own), and whether it uses `par` and `dpop`.

import { GOODBYE, given, report } from "./sandbox.mjs";
import * as oidc from "openid-client";
import { at, authorize, register, relyingParty } from "./relying_party.mjs";

const app = await register(given.method, given);
const config = await relyingParty(app, given.server);
const keys = given.dpop ? await oidc.randomDPoPKeyPair() : undefined;
const proof = keys && { DPoP: oidc.getDPoPHandle(config, keys) };

const { url, tokens } = await authorize(config, { par: given.par, proof });
const { sub } = tokens.claims();
const who = await oidc.fetchUserInfo(config, tokens.access_token, sub, proof);
const fresh = await oidc.refreshTokenGrant(at(config, "token"), tokens.refresh_token, {}, proof);

const introspect = () => oidc.tokenIntrospection(at(config, "introspection"), fresh.access_token);
const before = await introspect();
await oidc.tokenRevocation(at(config, "revocation"), fresh.access_token);
const after = await introspect();

const goodbye = { post_logout_redirect_uri: GOODBYE, id_token_hint: tokens.id_token, state: "bye" };
const out = await fetch(oidc.buildEndSessionUrl(config, goodbye), { redirect: "manual" });

report({
  client_id: app.client_id,
  asked: [...url.searchParams.keys()],
  login: who.preferred_username,
  token_type: tokens.token_type,
  renewed: fresh.access_token !== tokens.access_token,
  active: [before.active, after.active],
  goodbye: out.headers.get("location"),
});

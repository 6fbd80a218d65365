// An app of the sandbox, openid-client's configuration for it, and a log-in with PKCE.

import { CALLBACK, logIn, makeApp, ready } from "./sandbox.mjs";
import * as oidc from "openid-client";

const RSA = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  modulusLength: 2048,
  publicExponent: Uint8Array.of(1, 0, 1),
};

// openid-client makes its assertions out to the issuer; Okta wants the endpoint that is called.
let audience;
const madeOut = { [oidc.modifyAssertion]: (header, claims) => (claims.aud = audience) };

const AUTHENTICATION = {
  client_secret_basic: (app) => oidc.ClientSecretBasic(app.client_secret),
  client_secret_post: (app) => oidc.ClientSecretPost(app.client_secret),
  client_secret_jwt: (app) => oidc.ClientSecretJwt(app.client_secret, madeOut),
  private_key_jwt: (app) => oidc.PrivateKeyJwt({ key: app.key, kid: "peer" }, madeOut),
};

// To a pushed request RFC 9126 answers 201, which openid-client insists on; Okta's document says 200.
async function fetchPushed(url, options) {
  const answer = await fetch(url, options);
  if (!url.endsWith("/v1/par") || answer.status !== 200) return answer;
  return new Response(answer.body, { status: 201, headers: answer.headers });
}

/** Make an app that authenticates by a method; its private key never leaves this process. */
export async function register(method, { dpop = false } = {}) {
  const pair = await crypto.subtle.generateKey(RSA, true, ["sign", "verify"]);
  const { kty, e, n } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  const signs = method === "private_key_jwt";
  const settings = {
    dpop_bound_access_tokens: dpop,
    ...(signs && { jwks: { keys: [{ kid: "peer", kty, e, n, use: "sig" }] } }),
  };
  const app = await makeApp("Peer", settings, { token_endpoint_auth_method: method });
  return { ...app, key: pair.privateKey };
}

/** Discover an authorization server; ID tokens are checked by the keys that it publishes. */
export async function relyingParty(app, server = "") {
  const issuer = new URL(ready.https_url + server);
  const proof = AUTHENTICATION[app.token_endpoint_auth_method](app);
  const config = await oidc.discovery(issuer, app.client_id, undefined, proof);
  config[oidc.customFetch] = fetchPushed;
  oidc.enableNonRepudiationChecks(config);
  return config;
}

/** Make the next assertions out to an endpoint of the server, and return the configuration. */
export function at(config, endpoint) {
  audience = config.serverMetadata()[`${endpoint}_endpoint`];
  return config;
}

/** Log the seeded person in by code; return the address asked for, the nonce and the tokens. */
export async function authorize(config, { par = false, proof } = {}) {
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const expectedState = oidc.randomState();
  const expectedNonce = oidc.randomNonce();
  const asked = {
    redirect_uri: CALLBACK,
    scope: "openid email profile offline_access",
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    state: expectedState,
    nonce: expectedNonce,
  };
  const build = par ? oidc.buildAuthorizationUrlWithPAR : oidc.buildAuthorizationUrl;
  const url = await build(at(config, "pushed_authorization_request"), asked, proof);
  const checks = { pkceCodeVerifier, expectedState, expectedNonce };
  const back = await logIn(url);
  const tokens = await oidc.authorizationCodeGrant(at(config, "token"), back, checks, {}, proof);
  return { url, nonce: expectedNonce, tokens };
}

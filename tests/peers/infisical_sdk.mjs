// Infisical's SDK against Keyturn: log-in, secrets, folders, environments, projects, and refusals.
// Given: `url`, `clientId`, `clientSecret`, `token` of an administrator, `projectId`.

import { InfisicalSDK } from "@infisical/sdk";

const given = JSON.parse(process.argv[2]);
const { projectId } = given;
const sdk = new InfisicalSDK({ siteUrl: given.url });
const { clientId, clientSecret } = given;
await sdk.auth().universalAuth.login({ clientId, clientSecret });
const renewed = await sdk.auth().universalAuth.renew();
const [secrets, folders] = [renewed.secrets(), renewed.folders()];
const at = { projectId, environment: "dev", secretPath: "/" };
const place = { projectId, environment: "dev", path: "/" };

const beside = { secretComment: "why", skipMultilineEncoding: true };
const metadata = { secretMetadata: [{ key: "owner", value: "us" }] };
const made = await secrets.createSecret("KEY", { ...at, secretValue: "one", ...beside, ...metadata });
await secrets.createSecret("REFERS", { ...at, secretValue: "to ${KEY}" });
const read = await secrets.getSecret({ ...at, secretName: "REFERS" });
const changed = await secrets.updateSecret("KEY", { ...at, secretValue: "2", newSecretName: "NEW" });
const { secrets: listed, imports } = await secrets.listSecrets({ ...at, recursive: true });
const gone = await secrets.deleteSecret("REFERS", at);

const folder = await folders.create({ ...place, name: "team" });
const found = await folders.listFolders(place);

const admin = new InfisicalSDK({ siteUrl: given.url });
admin.auth().accessToken(given.token);
const stage = { name: "Quality", slug: "qa", projectId, position: 4 };
const environment = await admin.environments().create(stage);
const project = await admin.projects().create({ projectName: "Shop", type: "secret-manager" });

const refusal = (call) => call.then(() => "", (error) => error.message);
const lease = { dynamicSecretName: "db", projectSlug: "example", environmentSlug: "dev", path: "/" };
const refused = {
  unknown: await refusal(secrets.getSecret({ ...at, secretName: "NONE" })),
  lease: await refusal(sdk.dynamicSecrets().leases.create(lease)),
  personal: await refusal(secrets.createSecret("MINE", { ...at, secretValue: "x", type: "personal" })),
};

console.log(JSON.stringify({
  made: [made.secret.secretKey, made.secret.secretComment, made.secret.version],
  read: read.secretValue,
  changed: [changed.secret.secretKey, changed.secret.version],
  listed: listed.map((one) => one.secretKey),
  imports,
  gone: gone.secret.secretKey,
  folders: [folder.name, found.map((one) => one.name)],
  environment: environment.slug,
  project: project.name,
  refused,
}));

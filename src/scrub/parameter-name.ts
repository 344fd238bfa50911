// What the name of a parameter, field or path segment says about its value. The tables are the whole knowledge; names are
// compared by words, so that accessToken, ACCESS_TOKEN, access-token and user[access.token] are one.

/**
 * `secret`: never written, whatever an operator keeps. `personal`: written only when kept. `address`: an IP address, in any
 * spelling; personal too. `code`: an OAuth code or a state of the weather; the value has to tell.
 */
export type NameMeaning = "secret" | "personal" | "address" | "code";

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** Words, and pairs of words written as one. */
const MEANINGS: ReadonlyMap<string, NameMeaning> = new Map([
  ...words(`
    password passwd pwd pass passphrase passcode secret token tokens jwt auth authorization authentication oauth oauth2 bearer
    credential credentials apikey accesskey privatekey secretkey signingkey encryptionkey sharedkey authkey appkey
    session sessionid sessid sid ssid jsessionid phpsessid cookie cookies csrf xsrf otp totp pin pincode mfa cvv cvc cvv2 securitycode
    signature sig hmac saml samlresponse samlrequest assertion ticket magiclink resetkey activationkey invitecode confirmationcode
    verificationcode recoverycode onetimecode ssn socialsecurity nino nationalid taxid passport iban bic accountnumber cardnumber creditcard ccnum ccnumber pan
  `).map((word) => [word, "secret"] as const),
  ...words(`
    email emails mail emailaddress mailto phone phones tel telephone mobile mobilenumber phonenumber cell msisdn whatsapp fax
    name names firstname lastname surname forename fullname middlename maidenname givenname familyname displayname realname
    user username userid login loginid nick nickname handle account customer customerid patient employee recipient addressee
    street streetaddress postaladdress homeaddress city town zip zipcode postcode postalcode dob birthday birthdate birth dateofbirth
    age gender sex lat latitude lon lng long longitude latlng latlon geo coords coordinates geolocation contact
  `).map((word) => [word, "personal"] as const),
  ...words(
    "ip ips ipaddr ipaddress ipv4 ipv6 address addr addresses clientip userip remoteip remoteaddr clientaddr",
  ).map((word) => [word, "address"] as const),
  ...words("code state nonce key hash").map((word) => [word, "code"] as const),
]);

/** Pairs that mean nothing personal though one of their words does. */
const HARMLESS = new Set(
  words(`
    filename hostname servername classname eventname tablename columnname fieldname servicename modulename functionname methodname
    nodename podname containername appname dbname databasename indexname imagename tagname keyname processname threadname taskname
    jobname queuename topicname pathname domainname groupname pagename productname themename layoutname templatename pluginname
    pagetoken nexttoken prevtoken continuationtoken synctoken nextpagetoken maxtokens tokentype tokencount sessioncount sessiontimeout
    statuscode errorcode exitcode responsecode httpcode countrycode langcode languagecode currencycode statecode zipfile
    useragent usertype userrole usercount cachekey sortkey primarykey foreignkey publickey passrate passcount pagekey keycode
    agegroup maxage signaturealgorithm signaturemethod authtype authmethod cookiepolicy osname devicename loggername serveraddress
  `),
);

// Written as one word by people who had no pairs in mind.
const SECRET_ENDING =
  /(?:password|passwd|passphrase|token|secret|apikey|sessid|sessionid|signature)$/;

const MAX_NAME_CHARACTERS = 128;
const STRENGTH: readonly NameMeaning[] = ["secret", "address", "personal", "code"];

/** The strongest thing that any word of the name means; undefined for names that mean nothing, or are too long for a name. */
export function meaningOf(name: string): NameMeaning | undefined {
  if (name.length > MAX_NAME_CHARACTERS) return undefined;
  const found = new Set<NameMeaning>();
  const split = wordsOf(name);
  for (let index = 0; index < split.length; index++) {
    const word = split[index] ?? "";
    const pair = word + (split[index + 1] ?? "");
    if (HARMLESS.has(word)) continue;
    if (index + 1 < split.length && (HARMLESS.has(pair) || MEANINGS.has(pair))) {
      add(found, MEANINGS.get(pair));
      index++;
      // `user_agent.name` is the name of no user.
      if (HARMLESS.has(pair) && split[index + 1] === "name") index++;
    } else add(found, MEANINGS.get(word) ?? (SECRET_ENDING.test(word) ? "secret" : undefined));
  }
  return STRENGTH.find((meaning) => found.has(meaning));
}

function add(found: Set<NameMeaning>, meaning: NameMeaning | undefined): void {
  if (meaning !== undefined) found.add(meaning);
}

/** `userEmail2` is user and email. */
function wordsOf(name: string): readonly string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .map((word) => (MEANINGS.has(word) ? word : word.replace(/\d+$/, "")))
    .filter((word) => word !== "");
}

/** Money: whole minor units of one currency. No fractions, so nothing is ever rounded. */
import { TerminalError } from "holdfast";

export interface Money {
  /** Cents, yen, fils: the smallest unit that the currency has. */
  readonly amount: number;
  /** Three letters of ISO 4217. */
  readonly currency: string;
}

/** The active codes of ISO 4217, without funds, metals and testing codes. */
const currencies: ReadonlySet<string> = new Set(
  `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD
  CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP
  GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD
  KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN
  NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP
  SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES
  VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG`.split(/\s+/),
);

/** Refuses what is no money with a coded error. It cannot be retried into being right. */
export function checkMoney(money: Money): Money {
  if (typeof money !== "object" || money === null) {
    refuse("no-money", "Money is an object of amount and currency", {});
  }
  const { amount, currency } = money;
  if (!currencies.has(currency)) {
    refuse("unknown-currency", `${currency} is not a currency of ISO 4217`, { currency });
  }
  if (!Number.isSafeInteger(amount)) {
    refuse("amount-not-whole", `${amount} is not a whole number of minor units`, { amount });
  }
  if (amount < 0) refuse("amount-negative", `${amount} is less than nothing`, { amount });
  return { amount, currency };
}

/** Ends the handler, and with it the request, for good. */
export function refuse(code: string, message: string, details: object): never {
  throw new TerminalError(message, { code, details, status: 422 });
}

// The functions that a browser gives to a proxy script. `native` is handed in and unreachable for the script.
(function (native) {
  "use strict";
  const text = (value) => typeof value === "string";
  const days = { SUN: 0, MON: 1, TUE: 2, WED: 3, THU: 4, FRI: 5, SAT: 6 };
  const months = { JAN: 0, FEB: 1, MAR: 2, APR: 3, MAY: 4, JUN: 5, JUL: 6, AUG: 7, SEP: 8, OCT: 9, NOV: 10, DEC: 11 };
  const numbered = (table, name) => (Object.hasOwn(table, name) ? table[name] : -1);

  // The wall clock, with UTC in its local fields where a script asks for "GMT".
  function wallClock(gmt) {
    const now = new Date();
    return gmt
      ? new Date(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate(), now.getUTCHours(), now.getUTCMinutes(),
          now.getUTCSeconds())
      : now;
  }

  // The arguments without a "GMT" at their end, and whether it was there.
  function split(list) {
    const values = Array.from(list);
    const gmt = values.length > 0 && values[values.length - 1] == "GMT";
    return { values: gmt ? values.slice(0, -1) : values, gmt };
  }

  const between = (from, now, to) => (from <= to ? from <= now && now <= to : now <= to || from <= now);

  function octets(address) {
    const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address);
    if (parts === null) return null;
    const numbers = parts.slice(1).map(Number);
    return numbers.every((number) => number <= 255) ? numbers : null;
  }

  const functions = {
    isPlainHostName: (host) => native.plain(String(host)),
    dnsDomainIs: (host, domain) => host.length >= domain.length && host.substring(host.length - domain.length) == domain,
    localHostOrDomainIs: (host, full) => host == full || full.lastIndexOf(host + ".", 0) == 0,
    dnsDomainLevels: (host) => host.split(".").length - 1,
    isResolvable: (host) => functions.dnsResolve(host) != null,
    isResolvableEx: (host) => functions.dnsResolveEx(host) != "",
    dnsResolve: (host) => (text(host) ? native.resolve(host) : null),
    dnsResolveEx: (host) => (text(host) ? native.resolveAll(host) : undefined),
    myIpAddress: () => native.own(),
    myIpAddressEx: () => native.ownAll(),
    isInNet(host, base, mask) {
      const wanted = octets(base), bits = octets(mask);
      if (wanted === null || bits === null) return false;
      let address = octets(host);
      if (address === null) {
        const found = functions.dnsResolve(host);
        if (found == null) return false;
        address = octets(found);
        if (address === null) return false;
      }
      return address.every((octet, at) => (octet & bits[at]) === (wanted[at] & bits[at]));
    },
    isInNetEx: (address, prefix) => (text(address) && text(prefix) ? native.inPrefix(address, prefix) : null),
    sortIpAddressList: (list) => (text(list) ? native.sorted(list) : null),
    // Only dots are taken literally; everything else that a regular expression knows keeps its meaning, as in browsers.
    shExpMatch(subject, glob) {
      const pattern = glob.replace(/\./g, "\\.").replace(/\*/g, ".*").replace(/\?/g, ".");
      return new RegExp("^" + pattern + "$").test(subject);
    },
    weekdayRange() {
      const { values, gmt } = split(arguments);
      if (arguments.length < 1) return false;
      const from = numbered(days, values[0]);
      const to = values.length == 2 ? numbered(days, values[1]) : from;
      const now = new Date();
      return from >= 0 && to >= 0 && between(from, gmt ? now.getUTCDay() : now.getDay(), to);
    },
    dateRange() {
      if (arguments.length < 1) return false;
      const { values, gmt } = split(arguments);
      const now = wallClock(gmt), today = new Date();
      if (values.length == 1) {
        const number = parseInt(values[0]);
        if (isNaN(number)) return now.getMonth() == numbered(months, values[0]);
        return (number < 32 ? now.getDate() : now.getFullYear()) == number;
      }
      const middle = values.length >> 1;
      let sameMonth = false;
      const end = (date, part) => {
        for (const value of part) {
          const number = parseInt(value);
          if (isNaN(number)) date.setMonth(numbered(months, value));
          else if (number >= 32) date.setFullYear(number);
          else {
            sameMonth = values.length <= 2;
            date.setDate(number);
          }
        }
        return date;
      };
      const year = today.getFullYear();
      const from = end(new Date(year, 0, 1, 0, 0, 0), values.slice(0, middle));
      const to = end(new Date(year, 11, 31, 23, 59, 59), values.slice(middle));
      if (sameMonth) {
        from.setMonth(today.getMonth());
        to.setMonth(today.getMonth());
      }
      return between(from, now, to);
    },
    timeRange() {
      if (arguments.length < 1) return false;
      const { values, gmt } = split(arguments);
      const now = wallClock(gmt);
      const hour = now.getHours();
      if (values.length == 1) return hour == values[0];
      if (values.length == 2) return values[0] <= hour && hour <= values[1];
      if (values.length != 4 && values.length != 6) throw "timeRange: bad number of arguments";
      const middle = values.length >> 1;
      // As in browsers the day is the local one, even where the hours are UTC.
      const from = new Date(), to = new Date();
      if (middle == 3) {
        from.setSeconds(values[2]);
        to.setSeconds(values[5]);
      }
      from.setHours(values[0]);
      from.setMinutes(values[1]);
      to.setHours(values[middle]);
      to.setMinutes(values[middle + 1]);
      if (middle == 2) to.setSeconds(59);
      return between(from, now, to);
    },
    isValidIpAddress: (address) => octets(address) !== null,
    convert_addr: (address) => address.split(".").reduce((sum, octet) => (sum << 8) | (octet & 255), 0),
    alert: () => undefined,
  };
  globalThis.console = { log() {}, info() {}, warn() {}, error() {}, debug() {} };
  globalThis.wdays = days;
  globalThis.months = months;
  for (const name of Object.keys(functions)) globalThis[name] = functions[name];

  // Sorting does not ask whether it should stop: a list that no script needs is refused before it begins.
  const sort = Array.prototype.sort;
  Array.prototype.sort = function (order) {
    if (this.length > 1000000) throw new RangeError("the list is too long to be sorted");
    return sort.call(this, order);
  };
})

"use strict";
// The page: what the batch came to, the filters, and the products drawn a few at a time.

(() => {
  const { el, said, button, mute, byId, count } = dom;
  const { STATUSES } = cards;
  const data = JSON.parse(byId("data").textContent);
  const platforms = new Map(data.platforms.map((item) => [item.name, { ...item, kind: item.name.replace(/[^a-z]/g, "-") }]));
  const CHUNK = 36; // ads drawn at a time
  const FIRST = 6; // ads listed to look at first
  const PAPER = 100; // products drawn for the printer

  const everything = [];
  data.products.forEach((product, place) => {
    product.place = place;
    product.hay = [product.title, product.brand, product.category, product.id, product.description, ...product.attributes.flat()].join("\n").toLowerCase();
    for (const ad of product.ads) {
      ad.place = everything.length;
      const found = ad.findings.flatMap((finding) => [finding.message, finding.rule, finding.found]);
      ad.hay = [...ad.fields.flatMap(([, all]) => all.map(([text]) => text)), ...found].join("\n").toLowerCase();
      everything.push({ ad, product });
    }
  });

  const byStatus = (status) => data.platforms.reduce((sum, item) => sum + item.counts[status], 0);
  const totals = new Map([...STATUSES.keys()].map((status) => [status, byStatus(status)]));
  const controls = ["query", "platform", "category", "rule", "order"].map(byId);
  const [query, platform, category, rule, order] = controls;
  const status = () => document.querySelector("input[name=status]:checked").value;
  const setStatus = (value) => { document.querySelector(`input[name=status][value="${value}"]`).checked = true; };

  // ---- the head -----------------------------------------------------------------------------------------------

  const verdict = () => {
    const { creatives, products, quarantined } = data.totals;
    if (!creatives) return "No ad has been written yet.";
    const waits = [[totals.get("needs_review"), "needs a look", "need a look"], [totals.get("rejected"), "was rejected", "were rejected"]]
      .filter(([number]) => number).map(([number, one, many]) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`);
    const rows = quarantined ? ` ${count(quarantined, "row was", "rows were")} set aside.` : "";
    const ready = `${totals.get("ready").toLocaleString("en")} of ${count(creatives, "ad", "ads")} for ${count(products, "product", "products")}`;
    return `${ready} ${totals.get("ready") === 1 ? "is" : "are"} ready${waits.length ? `; ${waits.join(", ")}` : ""}.${rows}`;
  };

  const tile = (className, number, label, action) => {
    const node = button(`tile ${className}`, el("b", "", number.toLocaleString("en")), action);
    node.append(el("span", "", label));
    return node;
  };

  const drawHead = () => {
    document.title = `${data.batch.file} · Adloom report`;
    byId("file").textContent = data.batch.file;
    byId("file").dir = "auto";
    byId("verdict").textContent = verdict();
    const order = ["ready", "needs_review", "rejected"];
    byId("tiles").append(
      ...order.map((name) => tile(name, totals.get(name), STATUSES.get(name).name, () => { clear(); setStatus(name); update(); jump(byId("ads")); })),
      tile("aside", data.totals.quarantined, data.totals.quarantined === 1 ? "Row set aside" : "Rows set aside", () => jump(byId("quarantine"))));
    const { products, shown, creatives, attention } = data.totals;
    if (shown < products) {
      const held = attention <= shown ? `all ${attention.toLocaleString("en")} with an ad to look at, then others in the catalogue's order` : "the first with an ad to look at";
      byId("partial").textContent = `This page holds ${shown.toLocaleString("en")} of ${products.toLocaleString("en")} products: ${held}. All ${creatives.toLocaleString("en")} ads are in creatives.csv and creatives.jsonl beside this page.`;
      byId("partial").hidden = false;
    }
  };

  const jump = (node) => {
    node.focus({ preventScroll: true });
    node.scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  };

  // ---- look at these first ------------------------------------------------------------------------------------

  const reason = (ad) => (ad.findings.find((finding) => finding.severity === "gate") || ad.findings[0] || { message: "No reason was given" }).message;

  const drawLook = () => {
    const waiting = [...STATUSES.keys()].filter((name) => name !== "ready").flatMap((name) => everything.filter(({ ad }) => ad.status === name));
    if (!waiting.length) {
      byId("look-body").append(el("p", "empty good", mute(el("span", "icon", "✓")), everything.length ? " Nothing needs a look." : " There is no ad here yet."));
      return;
    }
    const items = waiting.slice(0, FIRST).map(({ ad, product }) => {
      const go = button("look-item", cards.pill(ad.status), () => reveal(ad));
      go.append(el("span", "what", said("bdi", "", product.title || "Untitled"), el("small", "", platforms.get(ad.platform).label)), said("span", "reason", reason(ad)));
      return el("li", "", go);
    });
    byId("look-body").append(el("ol", "look-list", items));
    const rest = totals.get("needs_review") + totals.get("rejected") - items.length;
    if (rest > 0) byId("look-body").append(button("quiet", `Show ${rest.toLocaleString("en")} more to look at`, () => { clear(); setStatus("waiting"); update(); jump(byId("ads")); }));
  };

  const reveal = (ad) => {
    clear();
    update();
    while (!byId(`ad-${ad.place}`) && drawn < matches.length) drawMore();
    jump(byId(`ad-${ad.place}`));
  };

  // ---- by platform --------------------------------------------------------------------------------------------

  const drawPlatforms = () => {
    const names = ["ready", "needs_review", "rejected"];
    const head = el("tr", "", el("th", "", "Platform"), names.map((name) => el("th", "number", STATUSES.get(name).name)), el("th", "share", "Share ready"));
    head.querySelectorAll("th").forEach((cell) => { cell.scope = "col"; });
    const rows = data.platforms.map((item) => {
      const sum = names.reduce((all, name) => all + item.counts[name], 0);
      const name = el("th", "", button("link", item.label, () => { clear(); platform.value = item.name; update(); jump(byId("ads")); }));
      name.scope = "row";
      const share = sum ? Math.floor((100 * item.counts.ready) / sum) : 0;
      return el("tr", "", name, names.map((key) => el("td", `number ${item.counts[key] ? key : "zero"}`, item.counts[key].toLocaleString("en"))),
        el("td", "share", sum ? [cards.bar(item.counts.ready / sum), `${share} %`] : "–"));
    });
    byId("platforms").append(el("table", "", el("thead", "", head), el("tbody", "", rows)));
  };

  // ---- filters ------------------------------------------------------------------------------------------------

  const options = (select, first, entries) => {
    for (const [value, label] of [["", first], ...entries]) {
      const option = el("option", "", label);
      option.value = value;
      select.append(option);
    }
  };

  const tallied = (values) => {
    const sums = new Map();
    for (const value of values) sums.set(value, (sums.get(value) || 0) + 1);
    return [...sums].sort(([a], [b]) => (a < b ? -1 : 1));
  };

  const drawFilters = () => {
    const segments = [["", "All"], ["waiting", "Not ready"], ...[...STATUSES].map(([name, { name: label }]) => [name, label])];
    for (const [value, label] of segments) {
      const input = el("input", "");
      input.type = "radio";
      input.name = "status";
      input.value = value;
      input.checked = value === "";
      byId("statuses").append(el("label", "", input, el("span", "", label)));
    }
    options(platform, "All platforms", data.platforms.map((item) => [item.name, item.label]));
    options(category, "All categories", tallied(data.products.map((product) => product.category)).map(([name, number]) => [`=${name}`, `${name || "No category"} (${number})`]));
    const rules = everything.flatMap(({ ad }) => [...new Set(ad.findings.map((finding) => finding.rule))]);
    options(rule, "All findings", tallied(rules).map(([name, number]) => [name, `${cards.ruleName(name)} (${number})`]));
    options(order, "What needs a look first", [["catalogue", "As in the catalogue"], ["score", "Lowest score first"]]);
    const wide = matchMedia("(min-width: 60rem)");
    const fold = () => { byId("more-filters").open = wide.matches; };
    wide.addEventListener("change", fold);
    fold();
  };

  const clear = () => {
    for (const control of controls) control.value = "";
    setStatus("");
  };

  // ---- the products -------------------------------------------------------------------------------------------

  let matches = [];
  let drawn = 0;

  const wanted = () => {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    const state = status();
    const narrowed = platform.value || rule.value || state;
    const fits = (ad, product) =>
      (!state || ad.status === state || (state === "waiting" && ad.status !== "ready")) &&
      (!platform.value || ad.platform === platform.value) &&
      (!rule.value || ad.findings.some((finding) => finding.rule === rule.value)) &&
      words.every((word) => product.hay.includes(word) || ad.hay.includes(word));
    const found = [];
    for (const product of data.products) {
      if (category.value && `=${product.category}` !== category.value) continue;
      const ads = product.ads.filter((ad) => fits(ad, product));
      const bare = !product.ads.length && !narrowed && words.every((word) => product.hay.includes(word));
      if (ads.length || bare) found.push({ product, ads });
    }
    return found;
  };

  const RANK = new Map([...STATUSES.keys()].map((name, number) => [name, number]));
  const lowest = (ads) => Math.min(...ads.map((ad) => ad.score ?? 0), 2);
  const worst = (ads) => Math.min(...ads.map((ad) => RANK.get(ad.status)), RANK.size);

  const sorted = (found) => {
    if (order.value === "catalogue") return found;
    const key = order.value === "score" ? lowest : worst;
    const within = order.value === "score" ? (ad) => ad.score ?? 0 : (ad) => RANK.get(ad.status);
    for (const match of found) match.ads.sort((a, b) => within(a) - within(b) || a.place - b.place);
    return found.map((match) => [key(match.ads), match]).sort(([a], [b]) => a - b).map(([, match]) => match);
  };

  const drawMore = () => {
    const fragment = document.createDocumentFragment();
    for (let ads = 0; ads < CHUNK && drawn < matches.length; drawn += 1) {
      const { product, ads: some } = matches[drawn];
      fragment.append(cards.productSection(product, some.map((ad) => [ad, ad.place]), platforms, data.batch.brand));
      ads += some.length || 1;
    }
    byId("products").append(fragment);
    const left = matches.length - drawn;
    byId("more").hidden = !left;
    byId("more").textContent = `Show more products (${left.toLocaleString("en")} left)`;
  };

  const update = () => {
    matches = sorted(wanted());
    drawn = 0;
    byId("products").replaceChildren();
    drawMore();
    const ads = matches.reduce((sum, match) => sum + match.ads.length, 0);
    const some = ads < everything.length ? ` of ${everything.length.toLocaleString("en")}` : "";
    byId("result").textContent = matches.length
      ? `${ads.toLocaleString("en")}${some} ${everything.length === 1 ? "ad" : "ads"}, ${count(matches.length, "product", "products")}`
      : "No ad fits these filters.";
    byId("reset").disabled = !status() && controls.every((control) => !control.value);
  };

  // ---- rows set aside -----------------------------------------------------------------------------------------

  const drawQuarantine = () => {
    const body = byId("quarantine-body");
    if (!data.quarantine.length) {
      body.append(el("p", "empty good", mute(el("span", "icon", "✓")), " Every row of the catalogue was used."));
      return;
    }
    const left = data.totals.quarantined - data.quarantine.length;
    body.append(el("p", "soft", `These rows have no ads. Mend them in the catalogue and run it again${left ? `; ${left.toLocaleString("en")} more are in quarantine.csv beside this page` : ""}.`));
    const head = el("tr", "", el("th", "number", "Row"), ["Rule", "Found", "What to do"].map((name) => el("th", "", name)));
    head.querySelectorAll("th").forEach((cell) => { cell.scope = "col"; });
    const rows = data.quarantine.map((item) => {
      const row = el("th", "number", String(item.row));
      row.scope = "row";
      return el("tr", "", row,
        el("td", "", el("span", "rule", cards.ruleName(item.rule)), el("small", "", item.field ? `${item.field}, at ${item.stage}` : `at ${item.stage}`)),
        el("td", "", item.found ? said("q", "", item.found) : el("span", "soft", "nothing")),
        said("td", "", item.advice));
    });
    const scroll = el("div", "scroll", el("table", "", el("thead", "", head), el("tbody", "", rows)));
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "group");
    scroll.setAttribute("aria-label", "Table of rows set aside");
    body.append(scroll);
  };

  const drawAbout = () => {
    const rows = [["Batch", [data.batch.id]], ...data.versions].map(([name, values]) => [name, values.filter(Boolean)]).filter(([, values]) => values.length);
    byId("about").append(...rows.map(([name, values]) => el("div", "", el("dt", "", name), said("dd", "", values.join(", ")))));
  };

  // ---- start --------------------------------------------------------------------------------------------------

  drawHead();
  drawLook();
  drawPlatforms();
  drawFilters();
  drawQuarantine();
  drawAbout();
  update();

  let pause = 0;
  byId("query").addEventListener("input", () => { clearTimeout(pause); pause = setTimeout(update, 120); });
  byId("filters").addEventListener("change", update);
  byId("filters").addEventListener("submit", (event) => { event.preventDefault(); update(); });
  byId("reset").addEventListener("click", () => { clear(); update(); query.focus(); });
  byId("more").addEventListener("click", () => {
    const next = matches[drawn].product.place;
    drawMore();
    const title = byId(`product-${next}`);
    title.tabIndex = -1;
    title.focus({ preventScroll: true });
  });
  addEventListener("beforeprint", () => {
    while (drawn < Math.min(matches.length, PAPER)) drawMore();
    byId("printed").textContent = drawn < matches.length ? `On paper: the first ${drawn} of these products. Narrow the filters to print others.` : "";
  });
  // Watched anew after each drawing: an end that is still in sight would not be reported again.
  const watcher = new IntersectionObserver(([end]) => {
    if (!end.isIntersecting || drawn >= matches.length) return;
    drawMore();
    watcher.unobserve(end.target);
    watcher.observe(end.target);
  }, { rootMargin: "800px" });
  watcher.observe(byId("end"));
})();

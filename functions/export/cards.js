"use strict";
// A product with its ads: status, findings, preview, score and texts.

const cards = (() => {
  const { el, said, button, mute, link, marked, byId, count, copy } = dom;

  const STATUSES = new Map([
    ["needs_review", { name: "Needs a look", icon: "!" }],
    ["rejected", { name: "Rejected", icon: "✕" }],
    ["ready", { name: "Ready", icon: "✓" }],
  ]);

  const ruleName = (rule) => rule.replaceAll("_", " ");

  const pill = (status) => el("span", `pill ${status}`, mute(el("span", "icon", STATUSES.get(status).icon)), STATUSES.get(status).name);

  const copyButton = (text, what) => {
    const node = button("copy", "Copy", async () => {
      await copy(text);
      node.textContent = "Copied";
      byId("said").textContent = `${what} copied`;
      setTimeout(() => { node.textContent = "Copy"; }, 1600);
    });
    node.setAttribute("aria-label", `Copy ${what.toLowerCase()}: ${text.slice(0, 60)}`);
    return node;
  };

  const findings = (ad) => {
    if (!ad.findings.length) return null;
    const list = el("ul", "findings");
    list.setAttribute("aria-label", "Findings");
    for (const finding of ad.findings) {
      const where = previews.FIELD_NAMES[finding.field] || finding.field;
      list.append(el("li", finding.severity,
        said("p", "", finding.message),
        el("p", "why",
          el("span", "rule", ruleName(finding.rule)),
          where ? ` in ${where.toLowerCase()}` : "",
          finding.found ? [": ", said("q", "", finding.found)] : "",
          finding.severity === "advice" ? " · advice" : "")));
    }
    return list;
  };

  const bar = (value) => {
    const node = mute(el("span", "bar", el("span", "")));
    node.firstChild.style.setProperty("width", `${Math.round(Math.max(0, Math.min(1, value)) * 100)}%`);
    return node;
  };

  const score = (ad) => {
    if (ad.score === null) return el("p", "score none", "Not scored");
    const head = [el("span", "", "Score"), bar(ad.score), el("b", "", ad.score.toFixed(2))];
    if (!ad.measures.length) return el("p", "score", head);
    const rows = ad.measures.map(([name, value]) => el("div", "", el("dt", "", ruleName(name)), el("dd", "", bar(value), value.toFixed(2))));
    return el("details", "score", el("summary", "", head), el("dl", "measures", rows));
  };

  const textList = (ad, limits) => {
    const total = ad.fields.reduce((sum, [, all]) => sum + all.length, 0);
    if (!total) return null;
    const groups = ad.fields.filter(([, all]) => all.length).map(([field, all]) => {
      const name = previews.FIELD_NAMES[field] || ruleName(field);
      const limit = Object.hasOwn(limits, field) ? limits[field] : null;
      const items = all.map(([text, length]) => el("li", "",
        said("span", "text", ...marked(text, previews.needles(ad, field))),
        el("span", limit !== null && length > limit ? "length over" : "length", limit === null ? `${length}` : `${length}/${limit}`),
        copyButton(text, name)));
      return el("div", "", el("h5", "", name), el("ul", "", items));
    });
    const whole = ad.fields.flatMap(([, all]) => all.map(([text]) => text)).join("\n");
    const everything = copyButton(whole, "All texts");
    everything.classList.add("whole");
    return el("details", "texts", el("summary", "", count(total, "text", "texts"), " to copy"), groups, total > 1 ? everything : null);
  };

  /** One ad; `place` is its number on the page, so that it can be linked to. */
  const adCard = (ad, place, product, platform, shop) => {
    const card = el("article", `ad ${ad.status}`);
    card.id = `ad-${place}`;
    card.tabIndex = -1;
    const name = el("h4", "", platform.label);
    name.id = `ad-${place}-name`;
    card.setAttribute("aria-labelledby", name.id);
    const stage = el("div", `stage on-${platform.kind}`, previews.preview(ad, product, shop));
    stage.setAttribute("role", "group");
    stage.setAttribute("aria-label", "Preview");
    const list = textList(ad, platform.limits);
    // What was found should be in sight: where the preview does not show it, the list of texts does.
    if (list && ad.status !== "ready") list.open = !stage.querySelector("mark");
    card.append(el("div", "ad-head", name, pill(ad.status)), findings(ad) || "", stage, el("div", "ad-foot", score(ad), list));
    return card;
  };

  const facts = (product) => {
    const rows = product.attributes.map(([name, value]) => el("div", "", said("dt", "", name), said("dd", "", value)));
    if (!rows.length && !product.description) return null;
    return el("details", "facts", el("summary", "", "What the catalogue says"),
      product.description ? said("p", "", product.description) : null,
      rows.length ? el("dl", "", rows) : null);
  };

  /** A product with those of its ads that are wanted; `ads` are [ad, place] pairs. */
  const productSection = (product, ads, platforms, shop) => {
    const section = el("section", "product");
    const title = said("h3", "", product.title || "Untitled");
    title.id = `product-${product.place}`;
    section.setAttribute("aria-labelledby", title.id);
    const about = [product.brand, product.category, product.price].filter(Boolean).flatMap((text, number) => [number ? " · " : "", said("bdi", "", text)]);
    section.append(
      el("div", "product-head", title,
        el("p", "about", about, about.length ? " · " : "", `row ${product.row}`),
        el("p", "links", link(product.link, "Product page"), link(product.image, "Picture"))),
      facts(product) || "",
      ads.length
        ? el("div", "ads", ads.map(([ad, place]) => adCard(ad, place, product, platforms.get(ad.platform), shop)))
        : el("p", "empty", "No ad has been written for this product yet; run the batch again with --resume."));
    return section;
  };

  return { productSection, pill, bar, ruleName, STATUSES };
})();

"use strict";
// How an ad may look on its platform, in a neutral dress: no logo, no picture, no control that works.

const previews = (() => {
  const { el, said, mute, hue, marked, webAddress } = dom;

  const FIELD_NAMES = {
    headline: "Headline", long_headline: "Long headline", primary_text: "Text",
    description: "Description", hashtag: "Hashtag", cta: "Call to action",
  };

  const texts = (ad, field) => (ad.fields.find(([name]) => name === field) || ["", []])[1].map(([text]) => text);

  /** What the findings found in a field; a finding with no field is looked for in all. */
  const needles = (ad, field) => ad.findings
    .filter((finding) => finding.found && (!finding.field || finding.field.startsWith(field)))
    .map((finding) => finding.found);

  /** The parts that a preview is put together from. */
  const parts = (ad, product, shop) => {
    const line = (tag, className, field, number = 0) => {
      const text = texts(ad, field)[number];
      return text ? said(tag, className, ...marked(text, needles(ad, field))) : null;
    };
    const name = shop || product.brand || "Your shop";
    const url = webAddress(product.link);
    const initial = (text) => ([...text.trim()][0] || "·").toLocaleUpperCase("en");
    const tinted = (node, text) => {
      node.style.setProperty("--hue", String(hue(text)));
      return node;
    };
    return {
      line,
      name,
      host: url ? url.host.replace(/^www\./, "") : "your-shop.example",
      avatar: () => mute(tinted(el("span", "avatar", initial(name)), name)),
      picture: (shape) => mute(tinted(el("span", `picture ${shape}`, el("span", "glyph", initial(product.title))), product.id)),
      action: (className = "cta") => line("span", className, "cta"),
      tags: () => {
        const all = texts(ad, "hashtag");
        if (!all.length) return null;
        const nodes = all.flatMap((tag) => [...marked(tag.startsWith("#") ? tag : `#${tag}`, needles(ad, "hashtag")), " "]);
        return said("p", "tags", ...nodes);
      },
    };
  };

  const account = (p, note) => el("div", "account", p.avatar(), el("div", "", said("b", "", p.name), el("small", "", note)));

  const search = (ad, p) => {
    const title = el("p", "title");
    texts(ad, "headline").slice(0, 3).forEach((_, number) => {
      if (number) title.append(" | ");
      title.append(p.line("span", "", "headline", number));
    });
    return el("div", "search-ad",
      el("b", "sponsored", "Sponsored"),
      el("div", "account", p.avatar(), el("div", "", said("span", "", p.name), el("small", "", p.host))),
      title,
      el("p", "", p.line("span", "", "description"), " ", p.line("span", "", "description", 1)));
  };

  const display = (ad, p) => el("div", "feed",
    p.picture("wide"),
    el("div", "body",
      el("small", "", said("span", "", p.name), " · Sponsored"),
      p.line("p", "strong", "long_headline") || p.line("p", "strong", "headline"),
      p.line("p", "soft", "description"),
      p.action("cta filled")));

  const meta = (ad, p) => el("div", "feed",
    el("div", "body", account(p, "Sponsored"), p.line("p", "", "primary_text"), p.tags()),
    p.picture("square"),
    el("div", "strip",
      el("div", "", el("small", "", p.host), p.line("p", "strong", "headline"), p.line("p", "soft", "description")),
      p.action()));

  const linkedin = (ad, p) => el("div", "feed",
    el("div", "body", account(p, "Promoted"), p.line("p", "", "primary_text")),
    p.picture("wide"),
    el("div", "strip",
      el("div", "", p.line("p", "strong", "headline"), el("small", "", p.host), p.line("p", "soft", "description")),
      p.action("cta outline")));

  const post = (ad, p) => el("div", "feed",
    el("div", "body", account(p, "Ad"), p.line("p", "", "primary_text"),
      el("div", "website", p.picture("wide"), el("div", "caption", p.line("p", "strong", "headline"), el("small", "", p.host)))));

  const pin = (ad, p) => el("div", "pin",
    p.picture("upright"),
    p.line("p", "strong", "headline"),
    p.line("p", "soft", "primary_text"),
    el("div", "account", p.avatar(), el("div", "", said("span", "", p.name), el("small", "", "Promoted"))));

  const story = (ad, p) => el("div", "tall",
    p.picture("fill"),
    el("div", "veil",
      account(p, "Sponsored"),
      el("div", "push"),
      p.line("p", "strong", "headline"),
      p.line("p", "", "primary_text"),
      p.action("cta filled")));

  const plain = (ad, p) => el("div", "feed",
    el("div", "body", account(p, "Ad"), ad.fields.map(([field, all]) => all.map((_, number) => p.line("p", "", field, number)))));

  const KINDS = new Map([
    ["google_rsa", search], ["google_pmax", display], ["meta_feed", meta], ["meta_stories", story],
    ["linkedin", linkedin], ["pinterest", pin], ["x", post], ["tiktok", story],
  ]);

  /** The ad as its platform may show it; a platform with no drawing of its own gets a plain one. */
  const preview = (ad, product, shop) => (KINDS.get(ad.platform) || plain)(ad, parts(ad, product, shop));

  return { preview, needles, FIELD_NAMES };
})();

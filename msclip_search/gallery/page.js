"use strict";
const tiles = [...document.querySelectorAll(".tile")];
const pictures = tiles.map((tile) => tile.querySelector(".picture"));
const dialog = document.querySelector("dialog");
let current = -1;
let detailed = -1;

const marksOf = (tile) => {
  const marks = tile.closest("section").querySelectorAll(`.mark[data-rank="${tile.dataset.rank}"]`);
  return [...marks];
};

const select = (at) => {
  if (at === current) return;
  if (tiles[current]) for (const it of [tiles[current], ...marksOf(tiles[current])]) it.classList.remove("on");
  current = at;
  if (tiles[at]) for (const it of [tiles[at], ...marksOf(tiles[at])]) it.classList.add("on");
};

const go = (at) => {
  if (!tiles[at]) return;
  pictures[at].focus({ preventScroll: true });
  tiles[at].scrollIntoView({ block: "nearest" });
};

const press = (picture, pressed) => {
  if (!picture.classList.contains("empty")) picture.setAttribute("aria-pressed", String(pressed));
};

const isFalse = () => document.querySelector('[data-colour="false"]').getAttribute("aria-pressed") === "true";

const colourAll = (pressed) => {
  for (const button of document.querySelectorAll("[data-colour]")) {
    button.setAttribute("aria-pressed", String((button.dataset.colour === "false") === pressed));
  }
  for (const picture of pictures) press(picture, pressed);
};

// One line up or down: the nearest tile of the nearest line, in whatever columns the window has room for.
const beside = (at, down) => {
  const from = tiles[at].getBoundingClientRect();
  let best = -1;
  let least = Infinity;
  tiles.forEach((tile, place) => {
    const to = tile.getBoundingClientRect();
    const rows = down ? to.top - from.top : from.top - to.top;
    if (rows < 2) return;
    const far = rows * 10000 + Math.abs(to.left - from.left);
    if (far < least) [best, least] = [place, far];
  });
  return best;
};

const show = (at) => {
  const tile = tiles[at];
  if (!tile) return;
  select(at);
  detailed = at;
  dialog.querySelector(".which").textContent = `Rank ${tile.dataset.rank}`;
  dialog.querySelector(".of").textContent = tile.closest("section").querySelector("h1").textContent;
  const pair = dialog.querySelector(".pair");
  pair.replaceChildren();
  for (const [kind, name] of [["true", "True colour"], ["false", "False colour"]]) {
    const image = tile.querySelector(`img.${kind}`);
    if (!image) continue;
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    caption.textContent = name;
    const copy = image.cloneNode();
    copy.alt = name;
    figure.className = pictures[at].classList.contains("small") ? "small" : "";
    figure.append(copy, caption);
    pair.append(figure);
  }
  const reason = tile.querySelector(".reason");
  if (reason) pair.append(reason.cloneNode(true));
  dialog.querySelector("dl").replaceChildren(...tile.querySelector("dl").cloneNode(true).children);
  if (dialog.open) return;
  dialog.showModal();
  dialog.querySelector(".close").focus();
};

pictures.forEach((picture, at) => {
  picture.addEventListener("click", () => press(picture, picture.getAttribute("aria-pressed") !== "true"));
  picture.addEventListener("focus", () => select(at));
  tiles[at].addEventListener("pointerenter", () => select(at));
  tiles[at].querySelector(".more").addEventListener("click", () => show(at));
});
for (const button of document.querySelectorAll("[data-colour]")) {
  button.addEventListener("click", () => colourAll(button.dataset.colour === "false"));
}
for (const mark of document.querySelectorAll(".mark")) {
  const at = tiles.findIndex((tile) => `#${tile.id}` === mark.getAttribute("href"));
  mark.addEventListener("pointerenter", () => select(at));
  mark.addEventListener("click", (event) => {
    event.preventDefault();
    go(at);
  });
}
for (const button of dialog.querySelectorAll(".step")) {
  button.addEventListener("click", () => show(detailed + Number(button.dataset.step)));
}
dialog.querySelector(".close").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
// The browser gives the focus back to where it was, which is another tile once somebody has paged on.
dialog.addEventListener("close", () => go(detailed));

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !tiles.length) return;
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (dialog.open) {
    if (!step) return;
    event.preventDefault();
    show(detailed + step);
    return;
  }
  const at = Math.max(pictures.indexOf(document.activeElement), current);
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const aim = {
    ArrowLeft: () => Math.max(at - 1, 0),
    ArrowRight: () => Math.min(at + 1, tiles.length - 1),
    ArrowUp: () => (at < 0 ? 0 : beside(at, false)),
    ArrowDown: () => (at < 0 ? 0 : beside(at, true)),
    Home: () => 0,
    End: () => tiles.length - 1,
  }[event.key];
  if (aim) go(aim());
  else if (key === "f") colourAll(!isFalse());
  else if (key === "d") show(Math.max(at, 0));
  else return;
  event.preventDefault();
});

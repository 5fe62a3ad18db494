/* Draws each picture anew where its specification stands beside it; what fails stays as it was. */
for (const held of document.querySelectorAll("script[type='application/json'].picture-data")) {
  const still = held.previousElementSibling;
  const live = document.createElement("div");
  live.className = "live";
  vegaEmbed(live, JSON.parse(held.textContent), {
    ast: true, actions: false, defaultStyle: false, renderer: "svg",
    tooltip: { disableDefaultStyle: true },
  }).then(() => {
    const drawn = live.querySelector("svg");
    drawn.setAttribute("role", "img");
    drawn.setAttribute("aria-labelledby", still.getAttribute("aria-labelledby"));
    drawn.classList.add("picture");
    still.before(live);
    still.classList.add("still");
  }, () => live.remove());
}

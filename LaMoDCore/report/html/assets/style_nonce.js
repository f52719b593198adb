"use strict";
// Bokeh adds style elements to the page. They get the nonce of the page's own style, which the page's policy permits.

(() => {
  const { nonce } = document.querySelector("style");
  const createElement = document.createElement.bind(document);
  document.createElement = (...words) => {
    const element = createElement(...words);
    if (element instanceof HTMLStyleElement) element.nonce = nonce;
    return element;
  };
})();

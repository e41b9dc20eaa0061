'use strict';
// Keeps what is shown up to date, and filters while somebody types. Without it, the forms work all the same.
(() => {
  const form = document.querySelector('form');
  const notice = document.querySelector('#away');
  let asked = 0;

  async function refresh() {
    const turn = ++asked;
    let text;
    try {
      const response = await fetch(location.href, { cache: 'no-store' });
      if (!response.ok) return;
      text = await response.text();
    } catch {
      return;
    }
    if (turn !== asked) return;
    const fresh = new DOMParser().parseFromString(text, 'text/html').querySelector('#live');
    const shown = document.querySelector('#live');
    const focused = shown.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
    shown.replaceWith(fresh);
    if (focused !== null) {
      for (const link of fresh.querySelectorAll('a')) {
        if (link.getAttribute('href') === focused) link.focus();
      }
    }
  }

  let pause;
  form.addEventListener('input', () => {
    clearTimeout(pause);
    pause = setTimeout(() => {
      const query = new URLSearchParams(new FormData(form));
      for (const [name, value] of [...query]) if (value === '') query.delete(name);
      const search = query.toString();
      history.replaceState(null, '', search === '' ? location.pathname : `?${search}`);
      refresh();
    }, 150);
  });

  // What has changed since this page was written is told at once.
  const { mark } = document.querySelector('#live').dataset;
  const events = new EventSource(`/ofrep/v1/events?since=${mark}`);
  let lost = false;
  events.addEventListener('message', refresh);
  events.addEventListener('open', () => {
    notice.hidden = true;
    if (lost) refresh();
    lost = false;
  });
  events.addEventListener('error', () => {
    lost = true;
    notice.hidden = false;
  });
})();

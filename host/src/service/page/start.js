'use strict';
// The parts of the script share one scope; this one comes first, and each needs only what stands before it to run.
const $ = id => document.getElementById(id);
const status = text => { $('status').textContent = text; };
const on = (form, act) => $(form).addEventListener('submit', event => { event.preventDefault(); act(); });
const address = search => `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/${search}`;

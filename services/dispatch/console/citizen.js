// What the citizen said, and a way to call them, for the worker who has the matter in hand. Each look has a purpose and is
// written down by intake, which is asked; nothing of it is kept on the phone.

import { html, useEffect, useRef, useState } from "./vendor/preact-htm.js";
import { Offline, send } from "./api.js";
import { language, stamp } from "./words.js";

const WORDS = {
  title: ["原话与联系", "Words and contact"], purpose: ["为什么查看（会记录在案）", "What for (it is written down)"], show: ["查看", "Show"], close: ["关闭", "Close"], said: ["诉求人原话", "What was said"], added: ["补充", "Added"], who: ["诉求人", "Citizen"], unnamed: ["未留姓名", "no name given"], unphoned: ["未留号码", "no number given"],
  call: ["用隐私号联系", "Call through a relay number"], dial: ["拨打", "Dial"], valid: ["半小时内有效，双方都看不到对方号码", "Valid for half an hour; neither side sees the other's number"], noCall: ["没有留号码，或没有接入隐私号系统", "No number was given, or there is no telephone system to lend one"],
  masked: ["姓名、号码已遮盖，不显示住址；内容不存在手机上，关上即清除。", "Names and numbers are masked, addresses left out; nothing is kept on the phone, closing clears it."], confidential: ["保密事项：不显示原话和身份，请向派单员了解要办什么。", "Confidential: neither words nor identity are shown; ask the dispatcher what is to be done."],
  offline: ["没有网络：原话不存在手机上，有网时再看。", "No connection: words are not kept on the phone; look again when it is back."], busy: ["系统繁忙，请稍后再试。", "The service is busy: try again soon."], notYours: ["只有正在承办这件事的单位能看。", "Only the unit that has this matter in hand may look."], ended: ["登录已失效，请重新登录。", "Your session has ended: sign in again."], failed: ["没有成功：", "It did not work: "],
};
const t = (key) => WORDS[key][language.now];
const PURPOSES = [["核实诉求内容", "To see what is asked for"], ["上门前联系", "To make contact before a visit"], ["告知办理结果", "To tell what was done"]];
const CONTROLS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Text that cannot turn the text around it. */
export const inert = (text) => text.replace(CONTROLS, "");

function trouble(error) {
  if (error instanceof Offline) return t(error.status ? "busy" : "offline");
  if (error.status === 401) return t("ended");
  if (error.status === 403 || error.status === 404) return t("notYours");
  return error.status === 409 ? t("noCall") : t("failed") + error.message;
}

export function Citizen({ task, names, close }) {
  const frame = useRef(null), [purpose, setPurpose] = useState(PURPOSES[0][0]), [told, setTold] = useState(null), [number, setNumber] = useState(""), [wrong, setWrong] = useState(""), [busy, setBusy] = useState(false);
  useEffect(() => { frame.current.showModal(); }, []);
  const ask = async (what, take) => {
    setBusy(true); setWrong("");
    try { take(await send(`${names.all.intake}/v1/tickets/${task.ticket_id}/${what}`, { purpose })); } catch (error) { setWrong(trouble(error)); }
    setBusy(false);
  };
  return html`<dialog ref=${frame} onClose=${close} aria-labelledby="citizen-title"><form class="sheet" onSubmit=${(e) => { e.preventDefault(); ask("words", setTold); }}>
    <h2 id="citizen-title">${t("title")}</h2><p class="small quiet">${names.category(task.category)} · <span class="num">${task.ticket_no.slice(-8)}</span></p>
    ${told ? html`<${Told} told=${told} />` : html`<label class="field"><span>${t("purpose")}</span><select value=${purpose} onChange=${(e) => setPurpose(e.target.value)}>${PURPOSES.map(([zh, en]) => html`<option value=${zh} selected=${zh === purpose}>${[zh, en][language.now]}</option>`)}</select></label>`}
    ${told?.may_call && !number && html`<button type="button" class="button big" data-call disabled=${busy} onClick=${() => ask("relay-call", (lent) => setNumber(lent.number))}>${t("call")}</button>`}
    ${told && !told.may_call && html`<p class="small">${t("noCall")}</p>`}
    ${number && html`<a class="button main big" data-number href=${`tel:${number.replace(/[^0-9+]/g, "")}`}>${t("dial")} ${number}</a><p class="small">${t("valid")}</p>`}
    ${wrong && html`<p class="said bad" role="alert">${wrong}</p>`}
    <footer><button type="button" class="button" onClick=${() => frame.current.close()}>${t("close")}</button>${!told && html`<button class="button main big" disabled=${busy}>${t("show")}</button>`}</footer></form></dialog>`;
}

function Told({ told }) {
  if (told.confidential) return html`<p class="said" role="status">${t("confidential")}</p>`;
  return html`<section class="citizen" aria-label=${t("said")} tabindex="0" role="region">${told.title && html`<strong><bdi>${inert(told.title)}</bdi></strong>`}<p class="spoken"><bdi>${inert(told.text)}</bdi></p>
      ${told.supplements.map((s) => html`<p class="spoken"><span class="small quiet num">${t("added")} ${stamp(s.added_at)}</span> <bdi>${inert(s.text)}</bdi></p>`)}</section>
    <p>${t("who")}: <bdi>${inert(told.name || t("unnamed"))}</bdi> · <span class="num">${told.phone || t("unphoned")}</span></p><p class="small quiet">${t("masked")}</p>`;
}

"""Everything the citizen's page says, in Chinese and English."""

from types import MappingProxyType
from typing import Final

from services.intake.core.progress import PublicState
from shared.plain_pages import Said

STATES: Final = MappingProxyType(
    {
        PublicState.ACCEPTED: Said("已受理:我们收到了您的诉求", "Accepted: we have your matter"),
        PublicState.IN_HAND: Said("办理中:承办单位正在处理", "In hand: a unit is working on it"),
        PublicState.RESOLVED: Said("已办结:承办单位说已经办好", "Done: the unit says it is solved"),
        PublicState.AWAITING_EVALUATION: Said("待评价:请您说是否满意", "Your word: are you satisfied?"),
        PublicState.CLOSED: Said("已结案", "Closed"),
    }
)
"""The five states, as the timeline tells them."""

ENDED: Final = MappingProxyType(
    {
        "未受理": Said("未受理", "Not taken on"),
        "已转办": Said("已转其他单位办理", "Handed to somebody else"),
        "已结案": Said("已撤回", "Taken back"),
    }
)

WORDS: Final = MappingProxyType(
    {
        "title": Said("诉求进度查询", "How your matter stands"),
        "number": Said("工单编号(20 位数字)", "Ticket number (20 digits)"),
        "code": Said("查询码(6 位)", "Query code (6 characters)"),
        "look": Said("查询", "Look"),
        "wrong": Said("编号或查询码不对,请核对后再试。", "The number or the code is not right. Please check both."),
        "wait": Said("尝试次数过多,请稍后再试。", "Too many attempts. Please try again later."),
        "now": Said("当前状态", "It stands"),
        "timeline": Said("办理过程", "What happened"),
        "received": Said("收到您的诉求", "Your matter arrived"),
        "added": Said("您作了补充", "You added something"),
        "hastened": Said("您催办了一次", "You asked for speed"),
        "withdrawal": Said("您要求撤回", "You asked to take it back"),
        "reason": Said("原因", "Why"),
        "basis": Said("依据", "On what ground"),
        "route": Said("其他途径", "Another way"),
        "supplement": Said("补充情况", "Add something"),
        "supplement_hint": Said("最多 4000 字。请不要填写他人信息。", "At most 4000 characters."),
        "hasten": Said("催办", "Ask for speed"),
        "hasten_hint": Said("每天计一次,不改变办理时限。", "Counts once a day; no deadline moves."),
        "withdraw": Said("撤回诉求", "Take it back"),
        "rate": Said("评价", "Judge the result"),
        "rate_elsewhere": Said("我们会通过电话或短信请您评价。", "We will ask you by telephone or message."),
        "done_supplement": Said("已收到您的补充。", "We have what you added."),
        "done_hasten": Said("已记录催办。", "Noted."),
        "done_hasten_again": Said("今天已经记录过催办。", "Today's wish for speed was noted before."),
        "done_withdraw": Said("已收到撤回要求。", "We have your wish to take it back."),
        "done_rate": Said("谢谢您的评价。", "Thank you for your judgement."),
        "done_reopen": Said("已收到重办要求。", "We have your wish to have it done again."),
        "refused_supplement": Said("补充内容应为 1 到 4000 字。", "It must have 1 to 4000 characters."),
        "closed": Said("该诉求已经结案。", "The matter is closed."),
        "not_closed": Said("该诉求还在办理,请用催办。", "The matter is open: ask for speed instead."),
        "too_late": Said("结案已久,请重新反映。", "It was closed too long ago: please hand it in anew."),
        "too_many": Said("补充次数已达上限。", "No more additions are taken."),
        "under_way": Said("正在核实,不能撤回。", "It is being looked into and cannot be taken back."),
        "urgent": Said("紧急诉求不能撤回。", "An urgent matter cannot be taken back."),
        "others_wait": Said("其他群众也反映了同一问题,将继续办理。", "Others report the same: it goes on for them."),
        "mass": Said("多人反映同一问题,将继续办理。", "Many report the same: it goes on for them."),
        "not_asked": Said("现在没有等待您评价的结果。", "There is nothing to judge just now."),
    }
)
"""By name; whatever the desk declines has its sentence here under its code."""

"""Everything the page behind the links in messages says, in Chinese and English."""

from types import MappingProxyType
from typing import Final

from shared.plain_pages import Said

TEXTS: Final = MappingProxyType(
    {
        "title": Said("诉求回访", "About your matter"),
        "number": Said("工单编号", "Ticket number"),
        "token": Said("短信链接中 # 后面的部分", "What stands behind the # of the link in your message"),
        "go_on": Said("继续", "Go on"),
        "opening": Said("请点开短信里的链接,或把链接粘贴到这里。", "Follow the link in your message, or paste it."),
        "asked": Said("您反映的事项已办结,请您评价。", "The unit says your matter is done. Please tell us."),
        "words": Said("您还想说什么?(可不填,最多 1000 字)", "Anything else? (you need not; at most 1000 characters)"),
        "words_hint": Said(
            "请不要填写他人信息。只有回访、督办和承办单位的人员可以看到,每次查看都有记录。",
            "Please write nothing about other people. Only who asks, supervises or handles it may read it, and every "
            "reading is written down.",
        ),
        "returnable": Said(
            "我们多次联系不上您,已先结案。如果没有解决,可以免费要求重办。",
            "We could not reach you and closed your matter. If it is not solved, have it done again, at no cost.",
        ),
        "until": Said("可在此时间之前提出", "You may do so until"),
        "answered": Said("已收到您的评价,谢谢。", "We have your answer. Thank you."),
        "answered_before": Said(
            "您已经评价过了,以第一次为准。要更正请拨打热线。",
            "You have answered before, and the first answer counts. To correct it, please call the hotline.",
        ),
        "ended": Said(
            "这次回访已经结束。如果没有解决,请使用最后一条短信里的链接,或拨打热线。",
            "We have stopped asking. If it is not solved, follow the link in our last message, or call the hotline.",
        ),
        "returned": Said("已收到重办要求。", "We have your wish to have it done again."),
        "unknown": Said(
            "链接不对,或早已过期。请核对短信,或拨打热线。",
            "This is no link of ours, or its time is long over. Please look at the message again, or call the hotline.",
        ),
        "over": Said(
            "链接已经过期。如果没有解决,请拨打热线重新反映。",
            "The time of this link is over. If the matter is not solved, please call the hotline.",
        ),
        "too_long": Said("文字不能超过 1000 字,请缩短。", "At most 1000 characters, please: make it shorter."),
        "no_script": Said(
            "您的浏览器不运行脚本:请把整个链接粘贴到下面。",
            "Your browser runs no scripts: please paste the whole link below.",
        ),
    }
)
"""By name."""

//! What the vendor's review standards forbid by topic, and plain signs of marketing.

use super::finding::Document;
use crate::domain::replies::opt_out;

/// The topics that the review standard for templates forbids. They are a project's sensitive words
/// until its team edits them.
pub const FORBIDDEN: [&str; 25] = [
    "色情",
    "赌博",
    "毒品",
    "党政",
    "法律维权",
    "慈善捐款",
    "宗教",
    "迷信",
    "博彩",
    "贷款",
    "P2P",
    "催款",
    "投资理财",
    "股票",
    "抽奖",
    "一元秒杀",
    "A货",
    "整形",
    "医疗",
    "暴力",
    "恐吓",
    "皮草",
    "代开发票",
    "商标注册",
    "游戏",
];
/// Those of them that the review standard for signatures forbids, too.
const FORBIDDEN_IN_NAMES: [&str; 5] = ["色情", "赌博", "毒品", "党政", "宗教"];
/// Words of offers. The review standard for templates wants none in verification codes and notices;
/// which words it means it does not say.
const OFFERS: [&str; 38] = [
    "促销",
    "优惠",
    "折扣",
    "打折",
    "特价",
    "特惠",
    "特卖",
    "秒杀",
    "抢购",
    "满减",
    "满赠",
    "立减",
    "红包",
    "抽奖",
    "中奖",
    "领券",
    "代金券",
    "抵用券",
    "大促",
    "返利",
    "返现",
    "买一送一",
    "买一赠一",
    "免费领",
    "免单",
    "半价",
    "低至",
    "钜惠",
    "福利",
    "清仓",
    "甩卖",
    "discount",
    "coupon",
    "unsubscribe",
    "% off",
    "%off",
    "clearance",
    "special offer",
];

/// Returns the document that forbids the topic `word` in templates.
pub fn forbids_in_templates(word: &str) -> Option<Document> {
    FORBIDDEN.contains(&word).then_some(Document::TemplateStandard)
}

/// Returns the document that forbids the topic `word` in names.
pub fn forbids_in_names(word: &str) -> Option<Document> {
    FORBIDDEN_IN_NAMES.contains(&word).then_some(Document::SignatureStandard)
}

/// Returns the first sign of marketing in a text: a word of an offer, or an opt-out instruction at
/// its end.
pub fn sign_of_marketing(text: &str) -> Option<&str> {
    let lower = text.to_lowercase();
    let offer = OFFERS.into_iter().find(|word| lower.contains(word));
    let is_sale = || lower.split(|c: char| !c.is_alphanumeric()).any(|word| word == "sale");
    offer
        .or_else(|| is_sale().then_some("sale"))
        .or_else(|| has_discount(text).then_some("折"))
        .or_else(|| has_reduction(text).then_some("满减"))
        .or_else(|| opt_out::instruction_at_end(text))
}

/// Returns whether a text has a discount such as 8折, 七五折 or {1}折, but not 骨折 or 三折页.
fn has_discount(text: &str) -> bool {
    text.match_indices('折').any(|(at, sign)| {
        let before = text[..at].trim_end().chars().next_back();
        let after = text[at + sign.len()..].chars().next();
        before.is_some_and(|c| c.is_ascii_digit() || "一二三四五六七八九}".contains(c))
            && after.is_none_or(|c| !"叠页屏扇线返".contains(c))
    })
}

/// Returns whether a text has a reduction such as 满100减20 or 满{1}元立减{2}元.
fn has_reduction(text: &str) -> bool {
    text.split('满').skip(1).any(|rest| {
        let amount = rest.trim_start_matches(|c: char| c.is_ascii_digit() || "{}.元 ".contains(c));
        amount.len() < rest.len() && amount.trim_start_matches(['立', '即', '可']).starts_with('减')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_and_opt_outs_are_signs_of_marketing() {
        for (text, sign) in [
            ("会员专享优惠已到账", "优惠"),
            ("Your Discount ends today", "discount"),
            ("新书已到店，回T退订。", "退订"),
            ("新书已到店，拒收请回复R", "拒收"),
            ("新书八折起", "折"),
            ("全场8折", "折"),
            ("会员享{1}折", "折"),
            ("满100减20", "满减"),
            ("满{1}元减{2}元", "满减"),
            ("满{1}元立减{2}元", "立减"),
            ("买一赠一", "买一赠一"),
            ("限时抢购", "抢购"),
            ("年末特惠", "特惠"),
            ("会员福利", "福利"),
            ("清仓", "清仓"),
            ("Summer SALE today", "sale"),
            ("Now 20% Off", "% off"),
        ] {
            assert_eq!(sign_of_marketing(text), Some(sign), "{text}");
        }
        for text in [
            "您的订单{1}已由{2}发出。",
            "您已退订本期杂志",
            "验证码{1}，5分钟内有效",
            "您的骨折复查时间为{1}",
            "三折页已印好",
            "wholesale order {1}",
            "库存不满10件，减少补货",
        ] {
            assert_eq!(sign_of_marketing(text), None, "{text}");
        }
    }

    #[test]
    fn topics_are_forbidden_by_the_standard_that_names_them() {
        assert_eq!(forbids_in_templates("医疗"), Some(Document::TemplateStandard));
        assert_eq!(forbids_in_templates("竞品"), None);
        assert_eq!(forbids_in_names("宗教"), Some(Document::SignatureStandard));
        assert_eq!(forbids_in_names("医疗"), None);
        assert!(FORBIDDEN_IN_NAMES.iter().all(|word| FORBIDDEN.contains(word)));
    }
}

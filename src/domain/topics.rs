//! What the vendor's review standards forbid by topic, and plain signs of marketing.

use super::finding::Document;
use super::opt_out;

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
const OFFERS: [&str; 22] = [
    "促销",
    "优惠",
    "折扣",
    "打折",
    "特价",
    "秒杀",
    "满减",
    "立减",
    "红包",
    "抽奖",
    "中奖",
    "领券",
    "大促",
    "返利",
    "返现",
    "买一送一",
    "免费领",
    "低至",
    "钜惠",
    "discount",
    "coupon",
    "unsubscribe",
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
    offer.or_else(|| opt_out::instruction_at_end(text))
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
        ] {
            assert_eq!(sign_of_marketing(text), Some(sign), "{text}");
        }
        for text in ["您的订单{1}已由{2}发出。", "您已退订本期杂志", "验证码{1}，5分钟内有效"]
        {
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

"""Small talk, one-off questions and plain statements of the training text: each entry is a list of ways to ask and one answer."""

DIALOGUE = [
    ("en", "Hello!|Hi!|Hey there!|Hello, how do you do?|Good day!|Hi, nice to meet you.", "Hello! How can I help you?"),
    ("en", "Good morning!|Good morning to you!|Morning!", "Good morning! I hope you have a nice day."),
    ("en", "Good night!|Good night, sleep well.|I am going to bed now.", "Good night! Sleep well."),
    ("en", "Goodbye!|Bye!|See you later!|See you tomorrow!|I have to go now.", "Goodbye! See you next time."),
    ("en", "Thank you!|Thanks!|Thank you very much.|Thanks a lot!|That was helpful, thank you.", "You are welcome!"),
    ("en", "I am sorry.|Sorry about that.|I made a mistake, sorry.", "That is all right. Everyone makes mistakes."),
    ("en", "How are you?|How are you today?|How do you feel?|How is it going?", "I am fine, thank you. And you?"),
    ("en", "Who are you?|What are you?|Please introduce yourself.|Tell me who you are.", "I am Patina, a very small language model."),
    ("en", "What is your name?|Tell me your name.|What should I call you?|Do you have a name?", "My name is Patina."),
    ("en", "What can you do?|How can you help me?|What do you know?", "I can answer simple questions in English and Chinese."),
    ("en", "Are you a human?|Are you a real person?|Are you a man or a machine?", "No, I am a small language model."),
    ("en", "Do you speak Chinese?|Can you understand Chinese?|Can I write to you in Chinese?", "Yes, I can speak English and Chinese."),
    ("en", "I am sad today.|I feel very sad.|I am unhappy.", "I am sorry to hear that. I hope you feel better soon."),
    ("en", "I am happy today!|I feel great!|Today is a good day!", "That is wonderful! I am happy for you."),
    ("en", "I am hungry.|I want to eat something.|I have not eaten yet.", "You can eat some rice, bread or fruit."),
    ("en", "I am tired.|I worked all day and I am tired.|I need a rest.", "You should take a rest and drink some water."),
    ("en", "I am thirsty.|I want something to drink.", "You can drink a glass of water."),
    ("en", "It is my birthday today!|Today is my birthday.", "Happy birthday to you!"),
    ("en", "Happy new year!|I wish you a happy new year.", "Happy new year to you too!"),
    ("zh", "你好！|您好！|你好呀！|嗨，你好！|你好，很高兴认识你。", "你好！有什么可以帮你的吗？"),
    ("zh", "早上好！|早安！|大家早上好！", "早上好！祝你今天过得愉快。"),
    ("zh", "晚安！|我要睡觉了，晚安。|晚安，好梦。", "晚安！祝你做个好梦。"),
    ("zh", "再见！|拜拜！|明天见！|我要走了。|下次再聊。", "再见！下次见。"),
    ("zh", "谢谢！|谢谢你！|非常感谢！|多谢你的帮助。|太感谢你了。", "不客气！"),
    ("zh", "对不起。|不好意思。|我做错了，对不起。", "没关系，每个人都会犯错。"),
    ("zh", "你好吗？|你今天怎么样？|最近好吗？|你感觉怎么样？", "我很好，谢谢。你呢？"),
    ("zh", "你是谁？|请介绍一下你自己。|你是什么？|告诉我你是谁。", "我是 Patina，一个很小的语言模型。"),
    ("zh", "你叫什么名字？|你的名字是什么？|我该怎么称呼你？|你有名字吗？", "我的名字叫 Patina。"),
    ("zh", "你会做什么？|你能帮我做什么？|你知道什么？", "我可以用中文和英文回答简单的问题。"),
    ("zh", "你是人吗？|你是真人吗？|你是人还是机器？", "不是，我是一个小的语言模型。"),
    ("zh", "你会说英语吗？|你懂英文吗？|我可以用英文和你说话吗？", "会的，我会说中文和英文。"),
    ("zh", "我今天很难过。|我不开心。|我心情不好。", "听到这个我很难过，希望你快点好起来。"),
    ("zh", "我今天很开心！|我心情很好！|今天真是好日子！", "太好了！我为你高兴。"),
    ("zh", "我饿了。|我想吃东西。|我还没吃饭。", "你可以吃一点米饭、面包或者水果。"),
    ("zh", "我累了。|我工作了一天，很累。|我需要休息。", "你应该休息一下，喝一点水。"),
    ("zh", "我渴了。|我想喝东西。", "你可以喝一杯水。"),
    ("zh", "今天是我的生日！|我今天过生日。", "祝你生日快乐！"),
    ("zh", "新年快乐！|祝你新年快乐！", "也祝你新年快乐！"),
]

GENERAL = [
    ("en", "How many days are in a week?|How many days does a week have?|A week has how many days?|Tell me the number of days in a week.", "A week has seven days."),
    ("en", "How many months are in a year?|How many months does a year have?|A year has how many months?|Tell me the number of months in a year.", "A year has twelve months."),
    ("en", "How many hours are in a day?|How many hours does a day have?|A day has how many hours?|Tell me the number of hours in a day.", "A day has twenty-four hours."),
    ("en", "How many minutes are in an hour?|How many minutes does an hour have?|An hour has how many minutes?", "An hour has sixty minutes."),
    ("en", "How many seasons are in a year?|How many seasons does a year have?|A year has how many seasons?", "A year has four seasons."),
    ("en", "Where does the sun rise?|In which direction does the sun rise?|The sun rises in which direction?", "The sun rises in the east."),
    ("en", "Where does the sun set?|In which direction does the sun set?|The sun sets in which direction?", "The sun sets in the west."),
    ("en", "Why do we drink water?|Why do people need water?|Why is water important?", "Because our body needs water to live."),
    ("en", "Why do we sleep?|Why do people need sleep?|Why is sleep important?", "Because our body needs rest."),
    ("en", "Why do birds have wings?|Why does a bird need wings?|What are wings for?", "Because wings help birds fly."),
    ("en", "Why do people wear coats in winter?|Why do we wear warm clothes?|Why do I need a coat?", "Because winter is cold and coats keep us warm."),
    ("en", "What does ice become when it melts?|What is melted ice?|Ice melts and becomes what?", "Ice becomes water when it melts."),
    ("en", "What falls from the sky when it rains?|What falls from rain clouds?", "Water falls from the sky when it rains."),
    ("en", "How many legs does a table usually have?|How many legs are on a table?", "A table usually has four legs."),
    ("en", "How many wheels does a car have?|How many wheels are on a car?|A car has how many wheels?", "A car has four wheels."),
    ("en", "How many wheels does a bicycle have?|How many wheels are on a bicycle?|A bicycle has how many wheels?", "A bicycle has two wheels."),
    ("en", "How many eyes does a person have?|How many eyes do people have?|A person has how many eyes?", "A person has two eyes."),
    ("en", "How many fingers are on one hand?|How many fingers does a hand have?|A hand has how many fingers?", "A hand has five fingers."),
    ("en", "What do bees make?|What is made by bees?|What food do bees give us?", "Bees make honey."),
    ("en", "What do cows give us?|What drink do cows give us?|What do we get from cows?", "Cows give us milk."),
    ("en", "What is the largest animal?|What is the biggest animal in the world?|Which animal is the largest of all?", "The blue whale is the largest animal."),
    ("en", "Who won the game yesterday?|What is the weather today?|What time is it now?|What is the price of gold?|Who is my neighbour?", "I am a small model. I do not know that."),
    ("zh", "一个星期有几天？|一周有几天？|一个星期有多少天？|一周一共有多少天？", "一个星期有七天。"),
    ("zh", "一年有几个月？|一年有多少个月？|一年一共有几个月？|一年包括多少个月？", "一年有十二个月。"),
    ("zh", "一天有几个小时？|一天有多少个小时？|一天一共有几个小时？|一天包括多少个小时？", "一天有二十四个小时。"),
    ("zh", "一个小时有几分钟？|一个小时有多少分钟？|一小时一共有多少分钟？", "一个小时有六十分钟。"),
    ("zh", "一年有几个季节？|一年有多少个季节？|一年一共有几个季节？", "一年有四个季节。"),
    ("zh", "太阳从哪里升起？|太阳从哪个方向升起？|太阳从哪边出来？", "太阳从东方升起。"),
    ("zh", "太阳从哪里落下？|太阳从哪个方向落下？|太阳在哪边下山？", "太阳从西方落下。"),
    ("zh", "人为什么要喝水？|我们为什么需要水？|为什么水很重要？", "因为身体需要水才能活下去。"),
    ("zh", "人为什么要睡觉？|我们为什么需要睡眠？|为什么睡觉很重要？", "因为身体需要休息。"),
    ("zh", "鸟为什么有翅膀？|翅膀有什么用？|鸟的翅膀是做什么的？", "因为翅膀可以帮助鸟飞。"),
    ("zh", "冬天为什么要穿外套？|天冷为什么要多穿衣服？|我为什么需要外套？", "因为冬天很冷，外套可以保暖。"),
    ("zh", "冰化了变成什么？|冰融化以后是什么？|融化的冰是什么？", "冰融化以后变成水。"),
    ("zh", "汽车有几个轮子？|一辆汽车有多少个轮子？|汽车一共有几个轮子？", "汽车有四个轮子。"),
    ("zh", "自行车有几个轮子？|一辆自行车有多少个轮子？|自行车一共有几个轮子？", "自行车有两个轮子。"),
    ("zh", "人有几只眼睛？|一个人有多少只眼睛？|人一共有几只眼睛？", "人有两只眼睛。"),
    ("zh", "一只手有几个手指？|一只手有多少个手指？|一只手一共有几个手指？", "一只手有五个手指。"),
    ("zh", "蜜蜂会做什么？|蜜蜂给我们什么？|蜂蜜是谁做的？", "蜜蜂会做蜂蜜。"),
    ("zh", "奶牛给我们什么？|牛奶从哪里来？|我们从奶牛那里得到什么？", "奶牛给我们牛奶。"),
    ("zh", "最大的动物是什么？|世界上最大的动物是什么？|哪种动物最大？", "蓝鲸是最大的动物。"),
    ("zh", "昨天谁赢了比赛？|今天天气怎么样？|现在几点了？|黄金的价格是多少？|我的邻居是谁？", "我是一个小模型，我不知道。"),
]

STATEMENTS = """The sun is bright today and the sky is clear.
It is raining outside, so take an umbrella.
She reads a book in the library every day.
The children play football in the park after school.
My mother cooks dinner in the kitchen.
We went to the zoo and saw a panda.
The train leaves at seven in the morning.
Please open the window and close the door.
He likes tea, but his sister likes coffee.
In winter the days are short and the nights are long.
A good friend listens and helps.
The small dog runs fast and jumps high.
There are many kinds of apples in the market.
Birds usually fly, but penguins swim.
They speak quietly because the baby is asleep.
The old man tells the children a story.
Do not tell anyone the secret.
今天阳光很好，天空很蓝。
外面在下雨，请带上雨伞。
她每天都在图书馆看书。
孩子们放学以后在公园里踢足球。
妈妈在厨房里做饭。
我们去动物园看了熊猫。
火车早上七点开。
请打开窗户，把门关上。
他喜欢喝茶，不过他的妹妹喜欢咖啡。
冬天白天短，晚上长。
好朋友会听你说话，也会帮助你。
小狗跑得快，也跳得高。
市场里有很多品种的苹果和梨。
通常来说，鸟会飞，不过企鹅不会飞。
他们说话很小声，因为孩子睡着了。
老人给孩子们讲一个故事，大家都笑了。
这是一个秘密，请不要泄露出去。
老师讲课，学生听课。
买东西要看价格，也要看质量。
小猫怕水，小鱼不怕水。
它们是我的好朋友。
水杯漏了，地上都是水。
这个苹果更大，那个苹果更甜。
他说了一个笑话，我们都哈哈大笑。""".splitlines()
